import { describe, expect, it } from "vitest";
import type { Lead, Question } from "./useLeadPages";
import { moved, nextToLookAt } from "./useLive";

const lead = (values: Partial<Lead>) => ({ lead_id: "a", ...values }) as Lead;
const byPriority: Question = {
  filter: null,
  sort: [{ field: "priority", descending: true }],
  columns: ["priority", "name"],
};

describe("a row that changed", () => {
  it("stands elsewhere only when what it is sorted by changed", () => {
    const before = lead({ priority: 5, name: "Ann" });
    expect(moved(before, lead({ priority: 5, name: "Anne" }), byPriority)).toBe(false);
    expect(moved(before, lead({ priority: 8, name: "Ann" }), byPriority)).toBe(true);
  });
});

describe("a burst of changes", () => {
  it("is looked at in portions, rows that are shown first, and none is forgotten", () => {
    const heard = new Map<string, number>(
      Array.from({ length: 300 }, (_, at) => [`lead ${at}`, at]),
    );
    const shown = new Map([["lead 299", {}]]);
    const first = nextToLookAt(heard, shown);
    expect(first).toHaveLength(200);
    expect(first[0]?.[0]).toBe("lead 299");
    for (const [id] of first) heard.delete(id);
    expect(nextToLookAt(heard, shown)).toHaveLength(100);
  });
});

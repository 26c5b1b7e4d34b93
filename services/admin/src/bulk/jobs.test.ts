import { describe, expect, it } from "vitest";
import { choose, NOTHING } from "../leads/selection";
import { frozenFrom, grouped } from "./jobs";

describe("what is frozen", () => {
  it("is the ids that were chosen, whatever the filter", () => {
    const filter = { op: "equals", field: "status", value: "ready" } as const;
    expect(frozenFrom(choose(NOTHING, ["a"], true), filter)).toEqual({ ids: ["a"] });
  });

  it("is the filter without those left out, and says so where it is every lead", () => {
    const all = { mode: "all", except: new Set(["b"]) } as const;
    expect(frozenFrom(all, { op: "is_empty", field: "name" })).toEqual({
      filter: { op: "is_empty", field: "name" },
      exclude_ids: ["b"],
    });
    expect(frozenFrom(all, null).filter).toEqual({
      op: "not",
      of: { op: "is_empty", field: "lead_id" },
    });
  });
});

describe("reasons", () => {
  it("are counted by their code, the commonest first", () => {
    const one = { reasons: [{ code: "locked", detail: "It is locked." }] };
    const two = { reasons: [{ code: "gone", detail: "It is gone." }, ...one.reasons] };
    expect(grouped([one, two])).toEqual([
      { code: "locked", detail: "It is locked.", count: 2 },
      { code: "gone", detail: "It is gone.", count: 1 },
    ]);
  });
});

import { describe, expect, it } from "vitest";
import type { Names } from "../../api/queries";
import { slicesOf, wedge } from "./parts";
import { columnNamed, type LeadColumn } from "./values";

const names: Names = {
  actor: (text) => text ?? "",
  user: (id) => id ?? "",
  status: () => undefined,
};
const told = { field: "priority", total: 10, exact: true, position: 1, lag: 0 };
const priority: LeadColumn = { ...columnNamed(new Map(), "priority"), kind: "number" };

describe("slices of a breakdown", () => {
  it("are conditions for their leads: a value, a bin, nothing at all", () => {
    const parts = [
      { value: 5, to: null, count: 4 },
      { value: 6, to: 8, count: 3 },
    ];
    const slices = slicesOf(priority, { ...told, parts, other: 2, empty: 1 }, names);
    expect(slices.map((one) => one.condition)).toEqual([
      { op: "equals", field: "priority", value: 5 },
      { op: "range", field: "priority", gte: 6, lt: 8 },
      null,
      { op: "is_empty", field: "priority" },
    ]);
    expect(slices.map((one) => one.label)).toEqual(["5", "6 – 8", "All others", "Empty"]);
  });
});

describe("a wedge", () => {
  it("that is all there is goes all around", () => {
    expect(wedge(0, 1)).not.toContain("L");
    expect(wedge(0, 0.75)).toContain("A 1 1 0 1 1");
  });
});

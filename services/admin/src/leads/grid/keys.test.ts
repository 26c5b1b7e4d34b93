import { describe, expect, it } from "vitest";
import { step } from "./keys";

describe("keys in the grid", () => {
  const at = { row: 0, column: 1 };
  it("go from the first row into the header, and no further", () => {
    expect(step(at, "ArrowUp", false, 10, 4, 5)).toEqual({ row: -1, column: 1 });
    expect(step({ row: -1, column: 1 }, "ArrowUp", false, 10, 4, 5)?.row).toBe(-1);
  });
  it("stop at the last row and the last column", () => {
    expect(step({ row: 9, column: 3 }, "ArrowDown", false, 10, 4, 5)?.row).toBe(9);
    expect(step({ row: 9, column: 3 }, "ArrowRight", false, 10, 4, 5)?.column).toBe(3);
    expect(step(at, "PageDown", false, 3, 4, 5)?.row).toBe(2);
  });
  it("lead to the corners with control", () => {
    expect(step(at, "End", true, 10, 4, 5)).toEqual({ row: 9, column: 3 });
    expect(step(at, "Home", true, 10, 4, 5)).toEqual({ row: 0, column: 0 });
  });
  it("are no moves otherwise", () => {
    expect(step(at, "a", false, 10, 4, 5)).toBeNull();
  });
});

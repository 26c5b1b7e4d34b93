import { describe, expect, it } from "vitest";
import { choose, chosenCount, holds, NOTHING, type Selection } from "./selection";

describe("a selection", () => {
  it("takes leads in and out", () => {
    const two = choose(NOTHING, ["a", "b"], true);
    expect(chosenCount(choose(two, ["a"], false), 100)).toBe(1);
    expect(holds(two, "b")).toBe(true);
    expect(NOTHING.mode === "some" && NOTHING.ids.size).toBe(0);
  });

  it("of all leaves out what is taken away, and has it again when it is put back", () => {
    const all: Selection = { mode: "all", except: new Set() };
    const without = choose(all, ["a"], false);
    expect(holds(without, "a")).toBe(false);
    expect(holds(without, "never seen")).toBe(true);
    expect(chosenCount(without, 100)).toBe(99);
    expect(chosenCount(choose(without, ["a"], true), 100)).toBe(100);
  });
});

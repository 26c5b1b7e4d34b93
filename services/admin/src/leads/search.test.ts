import { describe, expect, it } from "vitest";
import { nextSort, readSort, validateLeadsSearch, writeSort } from "./search";

describe("the address of the list", () => {
  it("keeps what it knows and drops what makes no sense", () => {
    const raw = {
      view: "mine",
      q: 4711,
      filter: "",
      sort: ["-name", "a", "b", "c"],
      columns: ["name", "name", "phone"],
      widths: { name: 9999, phone: "wide" },
      rows: "huge",
      other: 1,
    };
    expect(validateLeadsSearch(raw)).toEqual({
      view: "mine",
      q: "4711",
      filter: "",
      sort: ["-name", "a", "b"],
      columns: ["name", "phone"],
      widths: { name: 900 },
    });
  });

  it("sorts up, down, and not at all", () => {
    const up = nextSort([], "name", false);
    const down = nextSort(up, "name", false);
    expect(writeSort(up)).toEqual(["name"]);
    expect(writeSort(down)).toEqual(["-name"]);
    expect(nextSort(down, "name", false)).toEqual([]);
  });

  it("adds a column to the sort, three at most, in its place when turned", () => {
    const three = nextSort(readSort(["a", "b", "c"]), "d", true);
    expect(writeSort(three)).toEqual(["a", "b", "d"]);
    expect(writeSort(nextSort(readSort(["a", "b"]), "a", true))).toEqual(["-a", "b"]);
  });
});

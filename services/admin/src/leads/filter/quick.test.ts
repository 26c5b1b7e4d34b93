import { describe, expect, it } from "vitest";
import {
  dateOf,
  rangeOf,
  spanOf,
  spans,
  teamsOf,
  valuesOf,
  withDate,
  withTeams,
  withValue,
  withValues,
} from "./quick";
import { printFilter, readFilter } from "./text";
import { replaceAt, sent, type Tree } from "./tree";

const text = (tree: Tree | null) => (tree === null ? "" : printFilter(tree));

describe("the quick bar", () => {
  it("reads what the filter says on top, however it was written", () => {
    const tree = readFilter("status = ready and (priority = 1 or priority = 2)");
    expect(valuesOf(tree, "status")).toEqual(["ready"]);
    expect(valuesOf(tree, "priority")).toEqual([]);
  });

  it("changes its own condition in place and leaves the others", () => {
    const tree = readFilter("name contains ann and status = ready and active = true");
    expect(text(withValues(tree, "status", ["ready", "created"]))).toBe(
      "name contains ann and status in (ready, created) and active = true",
    );
    expect(text(withValues(tree, "status", []))).toBe("name contains ann and active = true");
    expect(text(withValue(tree, "active", undefined))).toBe("name contains ann and status = ready");
  });

  it("does not tear an alternative apart", () => {
    const either = readFilter("status = ready or status = created");
    expect(text(withValue(either, "active", true))).toBe(
      "(status = ready or status = created) and active = true",
    );
  });

  it("knows spans by their names, and one date at a time", () => {
    const week = spans("Europe/Berlin")[2];
    const range = rangeOf("latest_call_at", week?.from ?? null, week?.to ?? null);
    const tree = withDate(readFilter("uploaded_at < now and status = ready"), range);
    expect(text(tree)).toBe(
      "latest_call_at between [week@Europe/Berlin, week+1w@Europe/Berlin) and status = ready",
    );
    const told = dateOf(tree);
    expect(told && spanOf(told, "Europe/Berlin")?.label).toBe("This week");
  });

  it("keeps teams beside people", () => {
    const tree = withTeams(null, "owner", ["t"], false);
    expect(teamsOf(tree, "owner")?.below).toBe(false);
    expect(withTeams(tree, "owner", [], true)).toBeNull();
  });
});

describe("a filter with a search", () => {
  it("says where the filter stands, so that faults find their nodes", () => {
    expect(sent(readFilter("a = 1 and b = 2"), "x").root).toBe("");
    expect(sent(readFilter("a = 1"), "x").root).toBe("/of/0");
    expect(sent(null, "").filter).toBeNull();
  });

  it("loses a group with its last condition", () => {
    const tree = readFilter("a = 1 and not (b = 2 or c = 3)");
    const without = tree && replaceAt(tree, [1, 0, 0], null);
    expect(text(without && replaceAt(without, [1, 0, 0], null))).toBe("and (a = 1)");
  });
});

import { describe, expect, it } from "vitest";
import { FilterSyntax, printFilter, readFilter } from "./text";

const SPELT = [
  "status in (ready, created) and not latest_call_by in teams alone (0195a)",
  'owner = "team:x y" or priority between [3, 8)',
  'name contains ann and (search "0151 47" or fields.job is empty)',
  "log(end_causes = (Busy), since = week@Europe/Berlin, at_least = 2)",
  "and (status = ready)",
  '"fields.Last name" is not empty and status != success',
  "not (status = ready and active = true)",
  "next_dial_at < today+1d@Europe/Berlin",
  'name contains "and"',
  'fields.code = "12"',
];

describe("the text form of a filter", () => {
  it.each(SPELT)("is the same after reading and printing: %s", (text) => {
    const tree = readFilter(text);
    expect(tree && printFilter(tree)).toBe(text);
  });

  it("keeps digits a number only where they are bare", () => {
    expect(readFilter("priority = 12")).toEqual({ op: "equals", field: "priority", value: 12 });
    expect(readFilter("phone contains 0151")).toMatchObject({ value: "0151" });
  });

  it("says where it stops making sense", () => {
    expect(() => readFilter("status = ready and")).toThrow(
      "expected a condition, found the end at character 19",
    );
    expect(() => readFilter("status ready")).toThrow(FilterSyntax);
    expect(() => readFilter('name = "ann')).toThrow(FilterSyntax);
  });

  it("is null when nothing is spelt", () => {
    expect(readFilter("  ")).toBeNull();
  });
});

import { expect, test } from "vitest";
import { counted, duration, percent } from "./numbers";

test("almost all is not all, almost none is not none", () => {
  expect(percent(99.993)).toBe("> 99.9 %");
  expect(percent(0.004)).toBe("< 0.1 %");
  expect(percent(100)).toBe("100 %");
  expect(percent(0)).toBe("0 %");
  expect(percent(12.46)).toBe("12.5 %");
});

test("one lead is no leads", () => {
  expect(counted(1, "lead")).toBe("1 lead");
  expect(counted(45211, "lead")).toBe("45,211 leads");
});

test("seconds are told in the unit that fits", () => {
  expect(duration(9)).toBe("9 s");
  expect(duration(200)).toBe("3 min 20 s");
  expect(duration(7500)).toBe("2 h 5 min");
});

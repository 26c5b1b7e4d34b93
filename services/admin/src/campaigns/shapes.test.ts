import { expect, test } from "vitest";
import { delayText, windowsText } from "./shapes";

test("a delay is told in the unit in which it was meant", () => {
  expect(delayText(null)).toBe("not again");
  expect(delayText(0)).toBe("at once");
  expect(delayText(45)).toBe("after 45 min");
  expect(delayText(150)).toBe("after 2 h 30 min");
  expect(delayText(1440)).toBe("after 24 h");
  expect(delayText(4320)).toBe("after 3 days");
});

test("a day without hours is closed", () => {
  expect(windowsText(undefined)).toBe("closed");
  expect(windowsText([])).toBe("closed");
  expect(
    windowsText([
      { start: "09:00", end: "12:00" },
      { start: "13:00", end: "18:00" },
    ]),
  ).toBe("09:00–12:00, 13:00–18:00");
});

import { expect, test } from "vitest";
import { daysInWords, nextTimes, type Schedule, wallClock } from "./schedule";

const DAILY: Schedule = {
  times: ["13:00", "08:30"],
  zone: "Europe/Berlin",
  weekdays: [],
  days: [],
};

test("the clock is that of the zone", () => {
  const { date, time } = wallClock(new Date("2026-11-27T23:30:00Z"), "Asia/Tokyo");
  expect(time).toBe("08:30");
  expect(date.toISOString().slice(0, 10)).toBe("2026-11-28");
});

test("today's times that are over are left out, and the earliest comes first", () => {
  const next = nextTimes(DAILY, new Date("2026-11-27T09:00:00Z"), 3);
  expect(next.map((text) => text.slice(-5))).toEqual(["13:00", "08:30", "13:00"]);
  expect(next[0]).toContain("27");
  expect(next[1]).toContain("28");
});

test("on weekdays, a weekend is passed over", () => {
  const schedule = { ...DAILY, times: ["08:30"], weekdays: [1, 2, 3, 4, 5] };
  const [next] = nextTimes(schedule, new Date("2026-11-27T09:00:00Z"), 1);
  expect(next).toContain("30");
  expect(daysInWords(schedule)).toMatch(/–/);
});

test("day 31 is the last one of a shorter month", () => {
  const schedule = { ...DAILY, times: ["08:30"], days: [31] };
  const next = nextTimes(schedule, new Date("2026-11-27T09:00:00Z"), 2);
  expect(next[0]).toContain("30");
  expect(next[1]).toContain("31");
});

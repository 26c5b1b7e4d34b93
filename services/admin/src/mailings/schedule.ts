/** On which days something is mailed. */
export type On = "every" | "weekdays" | "days";

/** When a view is mailed, by the wall clock of a zone. */
export interface Schedule {
  times: string[];
  zone: string;
  weekdays: number[];
  days: number[];
}

/** The days of the week by their numbers, 1 Monday to 7 Sunday. */
export const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7] as const;

const NAMES = new Intl.DateTimeFormat(undefined, { weekday: "short", timeZone: "UTC" });
const DAY = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "2-digit",
  month: "short",
  timeZone: "UTC",
});
const DAYS_LOOKED_AT = 400;

/** "Mon" for 1. */
export function weekdayName(number: number): string {
  // The 5th of January 1970 was a Monday.
  return NAMES.format(new Date(Date.UTC(1970, 0, 4 + number)));
}

/** Which days the schedule is for, in words: "Mon–Fri", "every day", "the 1st and 31st". */
export function daysInWords(schedule: Schedule): string {
  if (schedule.weekdays.length > 0) {
    if (schedule.weekdays.join() === "1,2,3,4,5") {
      return `${weekdayName(1)}–${weekdayName(5)}`;
    }
    return schedule.weekdays.map(weekdayName).join(", ");
  }
  if (schedule.days.length > 0) return `day ${schedule.days.join(", ")} of the month`;
  return "every day";
}

/** The wall clock of a zone at an instant: its date, and its time as "08:30". */
export function wallClock(instant: Date, zone: string): { date: Date; time: string } {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).formatToParts(instant);
  const value = (type: string) => parts.find((part) => part.type === type)?.value ?? "0";
  return {
    date: new Date(Date.UTC(+value("year"), +value("month") - 1, +value("day"))),
    time: `${value("hour")}:${value("minute")}`,
  };
}

/** Whether a date is one of the schedule's; day 31 is the last of a shorter month. */
function isDay(date: Date, schedule: Schedule): boolean {
  if (schedule.weekdays.length > 0) return schedule.weekdays.includes(date.getUTCDay() || 7);
  if (schedule.days.length === 0) return true;
  const tomorrow = new Date(date.getTime() + 86_400_000);
  const last = tomorrow.getUTCDate() === 1;
  const day = date.getUTCDate();
  return schedule.days.includes(day) || (last && schedule.days.some((one) => one > day));
}

/** The next times, by the zone's own clock, the earliest first: "Mon, 30 Nov 08:30". */
export function nextTimes(schedule: Schedule, now: Date, count: number): string[] {
  const { date: today, time: clock } = wallClock(now, schedule.zone);
  const times = [...schedule.times].sort();
  const found: string[] = [];
  for (let ahead = 0; ahead < DAYS_LOOKED_AT && found.length < count; ahead += 1) {
    const date = new Date(today.getTime() + ahead * 86_400_000);
    if (!isDay(date, schedule)) continue;
    for (const time of times) {
      if (ahead > 0 || time > clock) found.push(`${DAY.format(date)} ${time}`);
    }
  }
  return found.slice(0, count);
}

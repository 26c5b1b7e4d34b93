/** A field of a campaign's template. */
export interface TemplateField {
  import_name: string;
  label: string;
  type: string;
  values: string[];
  required: boolean;
  personal: boolean;
  default: string | number | boolean | null;
}

/** What is done after a call that ended so (`domain.md` rule 19). */
export interface FollowUpRule {
  end_cause: string | null;
  disposition: string | null;
  next_status: string;
  delay_minutes: number | null;
  max_attempts: number | null;
  number: "same" | "next";
}

/** How often a lead and a number may be tried. */
export interface AttemptLimits {
  per_lead: number | null;
  per_number: number | null;
  per_day: number | null;
  reservation_minutes: number;
}

/** From `start` until `end` of a day. */
export interface HoursWindow {
  start: string;
  end: string;
}

export const WEEKDAYS = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const;

/** When leads are dialled, by weekday; by the clock of `zone`, else of each lead. */
export type DiallingHours = { zone: string | null; holidays: string[] } & Partial<
  Record<(typeof WEEKDAYS)[number], HoursWindow[]>
>;

/** "09:00–17:00, 18:00–20:00", "closed". */
export function windowsText(windows: readonly HoursWindow[] | undefined): string {
  if (windows === undefined || windows.length === 0) return "closed";
  return windows.map((window) => `${window.start}–${window.end}`).join(", ");
}

/** "after 2 h 30 min", "at once", "not again". */
export function delayText(minutes: number | null): string {
  if (minutes === null) return "not again";
  if (minutes === 0) return "at once";
  if (minutes < 60) return `after ${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48 && minutes % 1440 === 0) return `after ${minutes / 1440} days`;
  return minutes % 60 === 0 ? `after ${hours} h` : `after ${hours} h ${minutes % 60} min`;
}

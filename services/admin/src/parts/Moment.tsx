import { Text, Tooltip } from "@mantine/core";

const SHORT = new Intl.DateTimeFormat(undefined, {
  year: "numeric",
  month: "short",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const WHOLE = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** "3 days ago", "in 2 hours", "now". */
export function relative(instant: Date, now: Date): string {
  const seconds = (instant.getTime() - now.getTime()) / 1000;
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return RELATIVE.format(Math.trunc(seconds / size), unit);
  }
  return "now";
}

/** The zone that times are shown in: that of the browser. */
export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** An instant by the viewer's clock; the whole of it and how long ago on hovering. */
export function Moment({ at }: { at: string | null | undefined }) {
  if (!at) return null;
  const instant = new Date(at);
  if (Number.isNaN(instant.getTime())) return <>{at}</>;
  return (
    <Tooltip label={`${WHOLE.format(instant)} · ${relative(instant, new Date())}`} openDelay={300}>
      <Text component="time" inherit dateTime={at} className="moment">
        {SHORT.format(instant)}
      </Text>
    </Tooltip>
  );
}

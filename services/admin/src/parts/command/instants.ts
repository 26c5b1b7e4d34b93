function two(number: number): string {
  return String(number).padStart(2, "0");
}

/** An instant as the viewer's clock shows it, as `<input type="datetime-local">` wants it. */
export function toClock(instant: unknown): string {
  if (typeof instant !== "string" || instant === "") return "";
  const date = new Date(instant);
  if (Number.isNaN(date.getTime())) return "";
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** What the viewer's clock shows as an instant with its offset; "" when it is no time. */
export function fromClock(clock: string): string {
  const date = new Date(clock);
  if (clock === "" || Number.isNaN(date.getTime())) return "";
  const minutes = -date.getTimezoneOffset();
  const offset = Math.abs(minutes);
  const sign = minutes < 0 ? "-" : "+";
  const seconds = clock.length === 16 ? `${clock}:00` : clock.slice(0, 19);
  return `${seconds}${sign}${two(Math.floor(offset / 60))}:${two(offset % 60)}`;
}

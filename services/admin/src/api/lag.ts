import { useSyncExternalStore } from "react";

/** How far what is shown is behind the log, in events, as the newest answer said. */
let lag = 0;
/** The position of the newest change made here: reads wait for it, so that one sees one's own. */
let written = 0;
const listeners = new Set<() => void>();

/** Notes the lag that an answer tells, if it tells one. */
export function reportLag(answer: unknown): void {
  const told = (answer as { lag?: unknown } | null | undefined)?.lag;
  if (typeof told !== "number" || told === lag) return;
  lag = told;
  for (const listener of listeners) listener();
}

/** Notes the log position of a change made here. */
export function wrote(position: number): void {
  written = Math.max(written, position);
}

/** The position that reads must show: that of the newest change made here, else 0. */
export function minPosition(): number {
  return written;
}

/** How many events what is shown is behind the log. */
export function useLag(): number {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => lag,
  );
}

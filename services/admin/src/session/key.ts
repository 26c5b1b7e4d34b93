import { useSyncExternalStore } from "react";

/** The API key lives as long as the browser's tab, and is never in an address or a cookie. */
const PLACE = "leads.key";

let reason = "";
const listeners = new Set<() => void>();

function changed() {
  for (const listener of listeners) listener();
}

/** The key of this tab, or null when nobody is signed in. */
export function currentKey(): string | null {
  return sessionStorage.getItem(PLACE);
}

/** Signs in with a key that the service has accepted. */
export function startSession(key: string): void {
  sessionStorage.setItem(PLACE, key);
  reason = "";
  changed();
}

/** Signs out; `why` is shown where one signs in again. */
export function endSession(why = ""): void {
  if (currentKey() === null) return;
  sessionStorage.removeItem(PLACE);
  reason = why;
  changed();
}

/** Why the last session ended, "" when it was asked for. */
export function endedBecause(): string {
  return reason;
}

/** Takes a key that a link brought (`#key=…`) out of the address. */
export function takeKeyFromAddress(): void {
  const found = /^#key=(.+)$/.exec(window.location.hash);
  if (found?.[1] === undefined) return;
  sessionStorage.setItem(PLACE, decodeURIComponent(found[1]));
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
}

/** The key of this tab; the component is drawn anew when one signs in or out. */
export function useKey(): string | null {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentKey);
}

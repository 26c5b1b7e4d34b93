import type { Import } from "./queries";

/** The state of an import as people read it, and what it is coloured by. */
export function stateOf(one: Import): { state: string; label: string } {
  if (one.stalled) return { state: "stalled", label: "Stalled" };
  if (one.cancelled && one.state !== "cancelling")
    return { state: "cancelled", label: "Cancelled" };
  if (one.state !== "open") return { state: one.state, label: capital(one.state) };
  if (one.settings === null) return { state: "open", label: "Uploaded" };
  return { state: "open", label: one.previewed ? "Previewed" : "Mapped" };
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** How much of a run is done, in per cent; "unknown" without a preview, null while none runs. */
export function partDone(one: Import): number | "unknown" | null {
  if (!["running", "cancelling", "undoing"].includes(one.state)) return null;
  const reached = (one.state === "undoing" ? one.undo : one.progress)?.reached ?? 0;
  const last = one.state === "undoing" ? one.progress?.reached : one.preview?.reached;
  return last === undefined || last === 0 ? "unknown" : Math.min(100, (100 * reached) / last);
}

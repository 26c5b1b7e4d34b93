import { commandLabel } from "../api/commands";
import type { Names } from "../api/queries";
import { worded } from "../jobs/figures";
import type { BulkJob } from "./jobs";

/** What a job does, as people read it. */
export function jobTitle(job: Pick<BulkJob, "command" | "kind">): string {
  const what = commandLabel(job.command);
  return job.kind === "undo" ? `Undo: ${what.charAt(0).toLowerCase()}${what.slice(1)}` : what;
}

/** Where a job stands, as its sign says it: one that was cancelled did not just finish. */
export function stateOf(job: Pick<BulkJob, "state" | "stalled" | "cancelled">): string {
  if (job.stalled) return "stalled";
  return job.cancelled && job.state === "finished" ? "cancelled" : job.state;
}

/** A value of a command or a lead as a short text. */
export function shortValue(value: unknown, names: Names): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") {
    if (/^(team|user):/.test(value)) return names.actor(value);
    return names.status(value)?.label ?? value;
  }
  if (Array.isArray(value)) return value.map((one) => shortValue(one, names)).join(", ");
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([name, one]) => `${worded(name).toLowerCase()} ${shortValue(one, names)}`)
      .join(", ");
  }
  return String(value);
}

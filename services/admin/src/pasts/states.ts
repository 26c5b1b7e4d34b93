import type { Schemas } from "../api/client";

type Past = Schemas["PastShown"];

/** What the state of a past is called, and its colour. */
export const PAST_STATES: Record<Past["state"], { text: string; colour: string }> = {
  waiting: { text: "waiting", colour: "yellow" },
  building: { text: "being built", colour: "blue" },
  ready: { text: "ready", colour: "teal" },
  failed: { text: "failed", colour: "red" },
  cancelled: { text: "cancelled", colour: "gray" },
  expired: { text: "gone", colour: "gray" },
};

/** Whether a past is still to become ready. */
export function unfinished(past: Past): boolean {
  return past.state === "waiting" || past.state === "building";
}

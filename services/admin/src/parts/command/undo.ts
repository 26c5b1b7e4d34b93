import type { Schemas } from "../../api/client";
import { commandNamed } from "../../api/commands";

/** A command with its body. */
export interface Order {
  name: string;
  body: Record<string, unknown>;
}

/** What is needed of a lead as it was, to bring it back. */
export type Before = Partial<
  Pick<
    Schemas["Lead"],
    | "callback_agent"
    | "callback_at"
    | "dial_from"
    | "dial_until"
    | "dial_zone"
    | "fields"
    | "next_dial_at"
    | "owner"
    | "phone"
    | "priority"
    | "reserved_for"
    | "segment_id"
    | "status"
  >
>;

const PLAIN: Record<string, string> = {
  Activate: "Deactivate",
  Deactivate: "Activate",
  LockLead: "UnlockLead",
  ScheduleDial: "CancelScheduledDial",
  SetCallback: "CancelCallback",
  Suppress: "Unsuppress",
  Unsuppress: "Suppress",
};
const OF_STATUS = new Set(["Cancel", "ChangeStatus", "Pause", "Ready"]);

/**
 * The command that takes another one back on a lead that was as `before`; null when there is none,
 * or none for that role.
 */
export function oppositeOf(order: Order, before: Before, role: string): Order | null {
  const found = opposite(order, before, role);
  if (found === null || !commandNamed(found.name).roles.includes(role)) return null;
  return found;
}

function opposite({ name, body }: Order, before: Before, role: string): Order | null {
  const plain = PLAIN[name];
  if (OF_STATUS.has(name)) return statusBefore(before, role);
  if (name === "ScheduleDial" && before.next_dial_at) {
    return { name, body: { at: before.next_dial_at } };
  }
  if (name === "SetCallback" && before.callback_at) {
    const agent = before.callback_agent;
    return { name, body: { at: before.callback_at, ...(agent && { agent }) } };
  }
  if (plain !== undefined) return { name: plain, body: {} };
  return withBefore(name, body, before);
}

function statusBefore(before: Before, role: string): Order | null {
  // What brings a status back brings back no result and no dial; not everybody may.
  if (commandNamed("RestoreStatus").roles.includes(role))
    return { name: "RestoreStatus", body: {} };
  if (!before.status) return null;
  return { name: "ChangeStatus", body: { status: before.status } };
}

function withBefore(name: string, body: Order["body"], before: Before): Order | null {
  switch (name) {
    case "AddToSegment":
      if (before.segment_id) return { name, body: { segment_id: before.segment_id } };
      return { name: "RemoveFromSegment", body: { segment_id: body.segment_id } };
    case "RemoveFromSegment":
      return { name: "AddToSegment", body: { segment_id: body.segment_id } };
    case "CancelCallback":
      if (!before.callback_at) return null;
      return {
        name: "SetCallback",
        body: {
          at: before.callback_at,
          ...(before.callback_agent && { agent: before.callback_agent }),
        },
      };
    case "CancelScheduledDial":
      if (!before.next_dial_at) return null;
      return { name: "ScheduleDial", body: { at: before.next_dial_at } };
    case "ChangeOwner":
      if (!before.owner) return null;
      return { name, body: { owner: before.owner, retain_private_vip: false } };
    case "MergeLeads":
      return { name: "UnmergeLeads", body: { other_lead_id: body.other_lead_id } };
    case "UnmergeLeads":
      return { name: "MergeLeads", body: { other_lead_id: body.other_lead_id } };
    case "RemoveDialTimeLimit":
      if (!before.dial_from || !before.dial_until) return null;
      return {
        name: "SetDialTimeLimit",
        body: {
          start: before.dial_from,
          end: before.dial_until,
          ...(before.dial_zone && { zone: before.dial_zone }),
        },
      };
    case "Reserve":
      if (before.reserved_for) return { name, body: { agent: before.reserved_for } };
      return { name: "Unreserve", body: {} };
    case "SetDialTimeLimit":
      return { name: "RemoveDialTimeLimit", body: {} };
    case "SetPriority":
      return before.priority ? { name, body: { priority: before.priority } } : null;
    case "UpdateFields":
      return fieldsBefore(body, before);
    default:
      return null;
  }
}

function fieldsBefore(body: Order["body"], before: Before): Order | null {
  const { fields } = before;
  if (fields === undefined) return null;
  const touched = [
    ...Object.keys((body.set ?? {}) as Record<string, unknown>),
    ...((body.unset ?? []) as string[]),
  ];
  const had = touched.filter((name) => fields[name] !== undefined && fields[name] !== null);
  return {
    name: "UpdateFields",
    body: {
      set: Object.fromEntries(had.map((name) => [name, fields[name]])),
      unset: touched.filter((name) => !had.includes(name)),
    },
  };
}

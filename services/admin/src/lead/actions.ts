import { type CommandSpec, commandNamed } from "../api/commands";
import type { Lead } from "./queries";

/** The commands on one lead that people give, by what they are about. */
export const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  [
    "Status",
    ["RecordResult", "ChangeStatus", "RestoreStatus", "Ready", "Reset", "Pause", "Cancel"],
  ],
  [
    "Dialling",
    [
      "StartCall",
      "SetCallback",
      "CancelCallback",
      "ScheduleDial",
      "CancelScheduledDial",
      "SetDialTimeLimit",
      "RemoveDialTimeLimit",
      "SetPriority",
      "Reserve",
      "Unreserve",
      "CreateManualPass",
      "EndSession",
      "RecordCall",
    ],
  ],
  ["Who", ["ChangeOwner", "LockLead", "UnlockLead", "AddToSegment", "RemoveFromSegment"]],
  ["May it be called", ["Suppress", "Unsuppress", "Activate", "Deactivate"]],
  ["Messages", ["SendEmail", "SendSms", "SendWhatsapp", "RecordMessage"]],
  ["Data", ["UpdateFields", "ChangePhone", "AddContact", "AddNote", "RecordContract"]],
  ["Whole lead", ["CloneLead", "MoveLead", "MergeLeads", "AnonymiseLead", "DeleteLead"]],
];

/** The ones that stand as buttons, most used first. */
export const BUTTONS = [
  "RecordResult",
  "ChangeStatus",
  "ChangeOwner",
  "SetCallback",
  "Suppress",
  "AddNote",
] as const;

const SHORT: Record<string, string> = {
  AddNote: "Note",
  ChangeOwner: "Owner",
  ChangeStatus: "Status",
  RecordResult: "Result",
  SetCallback: "Callback",
  Suppress: "Suppress",
  Unsuppress: "Lift suppression",
};

/** What a button says: a word is enough beside its neighbours. */
export function shortLabel(name: string): string {
  return SHORT[name] ?? name;
}

/** Whether a command can do anything now, from what one sees of the lead. */
function fitting(name: string, lead: Lead): boolean {
  switch (name) {
    case "Activate":
      return !lead.active;
    case "Deactivate":
      return lead.active === true;
    case "Suppress":
      return !lead.suppressed;
    case "Unsuppress":
      return lead.suppressed === true;
    case "UnlockLead":
      return lead.locked_by !== null;
    case "LockLead":
      return lead.locked_by === null;
    case "CancelCallback":
      return lead.callback_at !== null;
    case "CancelScheduledDial":
      return lead.next_dial_at !== null;
    case "RemoveDialTimeLimit":
      return lead.dial_from !== null;
    case "RemoveFromSegment":
      return lead.segment_id !== null;
    case "Unreserve":
      return lead.reserved_for !== null;
    case "RestoreStatus":
      return lead.previous_status !== null;
    default:
      return true;
  }
}

/** The commands that a role may give about a lead now, by group. */
export function offered(role: string, lead: Lead): readonly (readonly [string, CommandSpec[]])[] {
  if (lead.deleted || lead.merged_into) return [];
  return GROUPS.map(([group, names]): readonly [string, CommandSpec[]] => [
    group,
    names
      .map(commandNamed)
      .filter((command) => command.roles.includes(role) && fitting(command.name, lead)),
  ]).filter(([, some]) => some.length > 0);
}

/** What stands in a command's form at first, from what the lead is. */
export function initialOf(name: string, lead: Lead): Record<string, unknown> {
  switch (name) {
    case "ChangeOwner":
      return lead.owner ? { owner: lead.owner } : {};
    case "ChangeStatus":
      return { status: lead.status };
    case "SetPriority":
      return { priority: lead.priority };
    case "ChangePhone":
      return { phone: lead.phone ?? "" };
    case "RemoveFromSegment":
      return { segment_id: lead.segment_id };
    case "StartCall":
    case "RecordCall":
      return { call_id: lead.calling_id ?? `ui-${crypto.randomUUID()}` };
    case "RecordMessage":
      return { message_id: `ui-${crypto.randomUUID()}` };
    default:
      return {};
  }
}

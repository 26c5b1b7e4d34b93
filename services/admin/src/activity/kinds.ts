/** The kinds of events that are worth watching alone. */
export const WATCHED_KINDS = [
  "lead.call_recorded",
  "lead.call_started",
  "lead.created",
  "lead.status_changed",
  "lead.owner_changed",
  "lead.result_recorded",
  "lead.callback_set",
  "lead.note_added",
  "lead.message_recorded",
  "lead.contract_recorded",
  "lead.suppressed",
  "lead.deleted",
] as const;

import type { Schemas } from "../api/client";

/** What lists of work show of a lead. */
export interface ShownLead {
  lead_id: string;
  name: string | null;
  phone: string | null;
  status: string | null;
  priority: number | null;
  call_attempts: number | null;
}

/** A lead of an answer, which holds the columns that were there. */
export function shownLead(lead: Schemas["Lead"] | Record<string, unknown>): ShownLead {
  const fields = lead as Record<string, unknown>;
  const text = (name: string) =>
    typeof fields[name] === "string" ? (fields[name] as string) : null;
  const number = (name: string) =>
    typeof fields[name] === "number" ? (fields[name] as number) : null;
  return {
    lead_id: text("lead_id") ?? "",
    name: text("name"),
    phone: text("phone"),
    status: text("status"),
    priority: number("priority"),
    call_attempts: number("call_attempts"),
  };
}

import type { Schemas } from "../../api/client";
import type { Lead } from "./useLeadPages";

/** A column as the API describes it. */
export type LeadColumn = Schemas["LeadColumn"];

/** A column of that name; of one that is not known (any more), what can be said. */
export function columnNamed(
  byName: ReadonlyMap<string, LeadColumn>,
  name: string,
): LeadColumn & { known: boolean } {
  const found = byName.get(name);
  if (found !== undefined) return { ...found, known: true };
  return {
    name,
    label: name.replace(/^fields\./, ""),
    kind: null,
    nullable: true,
    show: true,
    filter: false,
    sort: false,
    breakdown: false,
    operators: [],
    type: null,
    values: [],
    campaigns: [],
    known: false,
  };
}

/** The value of a column in a row; template fields stand together in `fields`. */
export function cellValue(lead: Lead, column: string): unknown {
  if (column.startsWith("fields.")) return lead.fields?.[column.slice("fields.".length)];
  return (lead as unknown as Record<string, unknown>)[column];
}

/** Whether a column is set flush right. */
export function isNumeric(column: LeadColumn): boolean {
  return column.kind === "number";
}

const WIDTHS: Record<string, number> = {
  name: 190,
  email: 210,
  status: 150,
  lead_id: 290,
  campaign_name: 190,
  priority: 84,
  version: 84,
};
const KIND_WIDTHS: Record<string, number> = {
  instant: 176,
  date: 110,
  number: 124,
  boolean: 92,
  phone: 140,
  owner: 150,
  user: 150,
};

/** How wide a column is that nobody has made wider or narrower. */
export function usualWidth(column: LeadColumn): number {
  return WIDTHS[column.name] ?? KIND_WIDTHS[column.kind ?? ""] ?? 150;
}

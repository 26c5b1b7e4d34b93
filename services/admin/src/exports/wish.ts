import { readFilter } from "../leads/filter/text";

/** What an export is asked for with, as the form has it. */
export interface Wish {
  name: string;
  view: string | null;
  /** A filter in its text form, instead of a view. */
  filter: string | null;
  columns: string[];
  format: "csv" | "ndjson";
  contacts: boolean;
  recipients: string[];
}

/**
 * The body of CreateExport; what was left empty is left to the view. Throws a `FilterSyntax` when
 * the filter cannot be read: nothing else is exported in its place.
 */
export function bodyOf(wish: Wish, named: string, zone: string): Record<string, unknown> {
  return {
    name: wish.name.trim() || named,
    ...(wish.filter === null ? { view: wish.view } : { filter: readFilter(wish.filter) }),
    columns: wish.columns,
    format: wish.format,
    contacts: wish.contacts,
    recipients: wish.recipients,
    zone,
  };
}

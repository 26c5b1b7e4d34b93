/** What the list of leads keeps in its address. What is left out is as the view has it. */
export interface LeadsSearch {
  /** A view's id, or the code of a default one. */
  view?: string;
  /** The search box. */
  q?: string;
  /** A filter in its text form; "" is none, whatever the view has. */
  filter?: string;
  /** Columns to sort by, "-" before one that descends. */
  sort?: string[];
  columns?: string[];
  widths?: Record<string, number>;
  rows?: "dense" | "roomy";
  /** The column whose values are looked at beside the rows. */
  focus?: string;
}

const WIDTH_MIN = 60;
const WIDTH_MAX = 900;

function texts(value: unknown): string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter((one) => typeof one === "string");
}

/** Takes what is known out of an address; what makes no sense is left out. */
export function validateLeadsSearch(raw: Record<string, unknown>): LeadsSearch {
  const found: LeadsSearch = {};
  for (const name of ["view", "q", "filter", "focus"] as const) {
    const value = raw[name];
    if (value !== undefined && value !== null && typeof value !== "object") {
      found[name] = String(value);
    }
  }
  if (found.q === "") delete found.q;
  const sort = texts(raw.sort);
  if (sort !== undefined) found.sort = sort.slice(0, 3);
  const columns = texts(raw.columns);
  if (columns !== undefined && columns.length > 0) found.columns = [...new Set(columns)];
  if (raw.rows === "dense" || raw.rows === "roomy") found.rows = raw.rows;
  const widths = readWidths(raw.widths);
  if (widths !== undefined) found.widths = widths;
  return found;
}

/** Widths by column, each within what can be drawn; undefined where there are none. */
export function readWidths(raw: unknown): Record<string, number> | undefined {
  if (raw === null || typeof raw !== "object" || Array.isArray(raw)) return undefined;
  const kept = Object.entries(raw)
    .filter((pair): pair is [string, number] => typeof pair[1] === "number")
    .map(([name, width]): [string, number] => [name, boundedWidth(width)]);
  return Object.fromEntries(kept);
}

/** A width that can be drawn. */
export function boundedWidth(width: number): number {
  return Math.round(Math.min(Math.max(width, WIDTH_MIN), WIDTH_MAX));
}

/** One column to sort by, as searches take it. */
export interface SortKey {
  field: string;
  descending: boolean;
}

/** "-name" as a sort key. */
export function readSort(texts: readonly string[]): SortKey[] {
  return texts.map((text) => ({
    field: text.replace(/^-/, ""),
    descending: text.startsWith("-"),
  }));
}

/** A sort key as "-name". */
export function writeSort(keys: readonly SortKey[]): string[] {
  return keys.map((key) => (key.descending ? `-${key.field}` : key.field));
}

/**
 * What the sort becomes when a header is pressed: ascending, then descending, then gone. With
 * `also` the other columns stay, three in all.
 */
export function nextSort(sort: readonly SortKey[], field: string, also: boolean): SortKey[] {
  const now = sort.find((key) => key.field === field);
  const others = also ? sort.filter((key) => key.field !== field) : [];
  if (now === undefined) return [...others.slice(0, 2), { field, descending: false }];
  if (now.descending) return others;
  if (!also) return [{ field, descending: true }];
  return sort.map((key) => (key.field === field ? { field, descending: true } : key));
}

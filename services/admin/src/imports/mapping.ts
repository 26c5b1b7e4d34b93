import type { Proposal, Settings } from "./queries";

/** The field of each column, by the column's place from 1; a column without one is ignored. */
export type Fields = Readonly<Record<number, string>>;

/** The fields as they were proposed. */
export function proposedFields(proposal: Proposal): Fields {
  return Object.fromEntries(
    proposal.columns.flatMap((one) => (one.field === null ? [] : [[one.column, one.field]])),
  );
}

/** The fields of settings that were saved. */
export function savedFields(settings: Settings): Fields {
  return Object.fromEntries(settings.columns.map((one) => [one.column, one.field]));
}

/** Fields that stand at several columns though only one may have them. A name may be in parts. */
export function doubledFields(fields: Fields): string[] {
  const seen = new Map<string, number>();
  for (const field of Object.values(fields)) seen.set(field, (seen.get(field) ?? 0) + 1);
  return [...seen].flatMap(([field, times]) => (times > 1 && field !== "name" ? [field] : []));
}

/** The settings that save these columns, with all else as it was, or as it is at first. */
export function settingsWith(
  fields: Fields,
  proposal: Proposal,
  before: Settings | null,
  fileName: string,
): Settings {
  return {
    pool_id: null,
    pool_name: fileName.replace(/\.[A-Za-z0-9]{2,5}$/, "") || null,
    owner: null,
    duplicates: "skip",
    default_region: null,
    status: "created",
    priority: 5,
    ...before,
    encoding: proposal.encoding as Settings["encoding"],
    delimiter: proposal.delimiter,
    header: proposal.header,
    columns: Object.entries(fields)
      .map(([column, field]) => ({ column: Number(column), field }))
      .sort((a, b) => a.column - b.column),
  };
}

/** A reason for which rows are refused: how many, and the first of them. */
export interface Grouped {
  code: string;
  detail: string;
  count: number;
  rows: number[];
}

const EXAMPLES = 8;

/** Refused rows by reason, the most frequent first. A row with several reasons is in several. */
export function byReason(
  rows: readonly { row: number; reasons: readonly Record<string, string>[] }[],
): Grouped[] {
  const groups = new Map<string, Grouped>();
  for (const { row, reasons } of rows) {
    for (const reason of reasons) {
      const { code = "", detail = "", field = "" } = reason;
      const key = `${code} ${field} ${detail}`;
      const group = groups.get(key) ?? { code, detail, count: 0, rows: [] };
      group.count += 1;
      if (group.rows.length < EXAMPLES) group.rows.push(row);
      groups.set(key, group);
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

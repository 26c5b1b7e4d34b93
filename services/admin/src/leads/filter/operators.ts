import type { LeadColumn } from "../grid/values";
import { type BoundName, isGroup, type Leaf, type Scalar, type Tree } from "./tree";

/** What a condition can be about besides a field. */
export const ANYTHING = "*search";
export const IN_LOG = "*log";

const WORDS: Record<string, string> = {
  equals: "is",
  in: "is one of",
  range: "lies between",
  contains: "holds",
  starts: "begins with",
  is_empty: "is empty",
  in_teams: "belongs to teams",
};
const ORDER = ["in", "equals", "range", "contains", "starts", "in_teams", "is_empty"];

/** The conditions a column takes, in the order in which people want them. */
export function operatorsOf(column: LeadColumn): { value: string; label: string }[] {
  return ORDER.filter((op) => column.operators.includes(op)).map((op) => ({
    value: op,
    label: WORDS[op] ?? op,
  }));
}

/** A new condition of a column, not complete yet where only the user knows the value. */
export function emptyLeaf(column: LeadColumn, op?: string): Leaf {
  const field = column.name;
  if (field === ANYTHING) return { op: "search", value: "" };
  if (field === IN_LOG) return { op: "log", kinds: ["lead.call_recorded"] };
  const usual = column.kind === "text" || column.kind === "phone" ? "contains" : undefined;
  const wanted = op ?? usual ?? operatorsOf(column)[0]?.value ?? "is_empty";
  switch (wanted) {
    case "in":
      return { op: "in", field, values: [] };
    case "range":
      return { op: "range", field };
    case "contains":
    case "starts":
      return { op: wanted, field, value: "" };
    case "in_teams":
      return { op: "in_teams", field, teams: [], below: true };
    case "equals":
      return { op: "equals", field, value: column.kind === "boolean" ? true : "" };
  }
  return { op: "is_empty", field };
}

/** Whether a filter says enough to be asked. */
export function isComplete(node: Tree): boolean {
  return gapsOf(node).length === 0;
}

/** The JSON pointers of what does not say enough to be asked: conditions without a value. */
export function gapsOf(node: Tree, pointer = ""): string[] {
  if (node.op === "not") return gapsOf(node.of, `${pointer}/of`);
  if (isGroup(node) && node.of.length > 0) {
    return node.of.flatMap((one, index) => gapsOf(one, `${pointer}/of/${index}`));
  }
  return !isGroup(node) && saysEnough(node) ? [] : [pointer];
}

function saysEnough(node: Leaf): boolean {
  switch (node.op) {
    case "equals":
    case "contains":
    case "starts":
    case "search":
      return node.value !== "";
    case "in":
      return node.values.length > 0;
    case "in_teams":
      return node.teams.length > 0;
    case "range":
      return [node.gt, node.gte, node.lt, node.lte].some(
        (one) => one !== undefined && one !== null,
      );
  }
  return true;
}

/** A typed text as the value of a column: a number where the column has numbers. */
export function typed(column: LeadColumn, text: string): Scalar {
  if (column.kind === "number" && text.trim() !== "" && Number.isFinite(Number(text))) {
    return Number(text);
  }
  return column.kind === "boolean" ? text === "true" : text;
}

/** The names of the bounds of a range, with the signs people read. */
export const LOWER: Record<string, BoundName> = { "≥": "gte", ">": "gt" };
export const UPPER: Record<string, BoundName> = { "<": "lt", "≤": "lte" };

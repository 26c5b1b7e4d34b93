import { allOf, conjuncts, type InTeams, type Range, type Scalar, type Tree } from "./tree";

/** The five dates that the quick bar offers; the first is the usual one. */
export const DATES = [
  "last_modified_at",
  "latest_call_at",
  "next_dial_at",
  "user_processed_at",
  "uploaded_at",
] as const;

/** The six ways in which a lead belongs to somebody. */
export const RELATIONS = [
  "owner",
  "original_owner",
  "last_modified_by",
  "latest_call_by",
  "user_processed_by",
  "uploaded_by",
] as const;

function isAbout(node: Tree, field: string): boolean {
  return (node.op === "equals" || node.op === "in") && node.field === field;
}

/** The values that the filter leaves of a field, where it says so on its top level. */
export function valuesOf(tree: Tree | null, field: string): Scalar[] {
  for (const node of conjuncts(tree)) {
    if (node.op === "equals" && node.field === field) return [node.value];
    if (node.op === "in" && node.field === field) return node.values;
  }
  return [];
}

function put(tree: Tree | null, isOld: (node: Tree) => boolean, next: Tree | null): Tree | null {
  const nodes = conjuncts(tree);
  const place = nodes.findIndex(isOld);
  const kept = nodes.filter((node) => !isOld(node));
  if (next !== null) kept.splice(place < 0 ? kept.length : place, 0, next);
  return allOf(kept);
}

/** The filter with these values for a field, in the place of those it had. None: any. */
export function withValues(tree: Tree | null, field: string, values: readonly Scalar[]) {
  const next: Tree | null = values.length === 0 ? null : { op: "in", field, values: [...values] };
  return put(tree, (node) => isAbout(node, field), next);
}

/** The filter with a field being this; undefined: any. */
export function withValue(tree: Tree | null, field: string, value: Scalar | undefined) {
  const next: Tree | null = value === undefined ? null : { op: "equals", field, value };
  return put(tree, (node) => isAbout(node, field), next);
}

/** The teams somebody of whom the lead must belong to. */
export function teamsOf(tree: Tree | null, field: string): InTeams | undefined {
  return conjuncts(tree).find(
    (node): node is InTeams => node.op === "in_teams" && node.field === field,
  );
}

/** The filter with these teams, with or without those below. */
export function withTeams(
  tree: Tree | null,
  field: string,
  teams: readonly string[],
  below: boolean,
): Tree | null {
  const next: Tree | null =
    teams.length === 0 ? null : { op: "in_teams", field, teams: [...teams], below };
  return put(tree, (node) => node.op === "in_teams" && node.field === field, next);
}

/** The date that the filter bounds on its top level, of the five. */
export function dateOf(tree: Tree | null): Range | undefined {
  return conjuncts(tree).find(
    (node): node is Range =>
      node.op === "range" && (DATES as readonly string[]).includes(node.field),
  );
}

/** The filter with this bound on a date, in the place of the one it had. */
export function withDate(tree: Tree | null, range: Range | null): Tree | null {
  const old = dateOf(tree);
  return put(tree, (node) => node === old, range);
}

/** A span of time by its name. */
export interface Span {
  label: string;
  from: string | null;
  to: string | null;
}

/** Spans that move on with the time, by the calendar of a zone. */
export function spans(zone: string): Span[] {
  const at = (text: string) => `${text}@${zone}`;
  return [
    { label: "Today", from: at("today"), to: at("today+1d") },
    { label: "Yesterday", from: at("today-1d"), to: at("today") },
    { label: "This week", from: at("week"), to: at("week+1w") },
    { label: "Last week", from: at("week-1w"), to: at("week") },
    { label: "This month", from: at("month"), to: at("month+1mo") },
    { label: "Last month", from: at("month-1mo"), to: at("month") },
    { label: "Last 7 days", from: at("today-7d"), to: null },
    { label: "Last 30 days", from: at("today-30d"), to: null },
    { label: "Longer than 30 days ago", from: null, to: at("today-30d") },
    { label: "Tomorrow", from: at("today+1d"), to: at("today+2d") },
    { label: "Already past", from: null, to: "now" },
    { label: "Still to come", from: "now", to: null },
  ];
}

/** The span that a range is, if it is one of those with a name. */
export function spanOf(range: Range, zone: string): Span | undefined {
  return spans(zone).find(
    (span) =>
      (range.gte ?? null) === span.from &&
      (range.lt ?? null) === span.to &&
      !range.gt &&
      !range.lte,
  );
}

/** The range of a span of a field. */
export function rangeOf(field: string, from: string | null, to: string | null): Range | null {
  if (from === null && to === null) return null;
  return {
    op: "range",
    field,
    ...(from !== null && { gte: from }),
    ...(to !== null && { lt: to }),
  };
}

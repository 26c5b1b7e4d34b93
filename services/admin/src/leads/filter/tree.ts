/** A value in a condition. */
export type Scalar = string | number | boolean;

/** Conditions side by side: all hold, or one does. */
export interface Group {
  op: "and" | "or";
  of: Tree[];
}
export interface Not {
  op: "not";
  of: Tree;
}
export interface Equals {
  op: "equals";
  field: string;
  value: Scalar;
}
export interface In {
  op: "in";
  field: string;
  values: Scalar[];
}
export type BoundName = "gt" | "gte" | "lt" | "lte";
export interface Range extends Partial<Record<BoundName, number | string | null>> {
  op: "range";
  field: string;
}
export interface Part {
  op: "contains" | "starts";
  field: string;
  value: string;
}
export interface IsEmpty {
  op: "is_empty";
  field: string;
}
export interface InTeams {
  op: "in_teams";
  field: string;
  teams: string[];
  below?: boolean;
}
export interface Search {
  op: "search";
  value: string;
}
export interface Logged {
  op: "log";
  kinds?: string[];
  end_causes?: string[];
  dispositions?: string[];
  actors?: string[];
  since?: string | null;
  until?: string | null;
  at_least?: number;
}

/** One condition about a field, the log or anything. */
export type Leaf = Equals | In | Range | Part | IsEmpty | InTeams | Search | Logged;
/** A filter as lists, counts, views and bulk jobs take it (schemas/filters.py). */
export type Tree = Group | Not | Leaf;

/** Whether the node holds others. */
export function isGroup(node: Tree): node is Group {
  return node.op === "and" || node.op === "or";
}

/** The conditions that must all hold, side by side. None for no filter. */
export function conjuncts(tree: Tree | null): Tree[] {
  if (tree === null) return [];
  return tree.op === "and" ? tree.of : [tree];
}

/** The tree in which all of these hold: null for none, a single one bare. */
export function allOf(nodes: readonly Tree[]): Tree | null {
  if (nodes.length === 0) return null;
  const [first] = nodes;
  return nodes.length === 1 && first !== undefined ? first : { op: "and", of: [...nodes] };
}

/** The tree with this condition besides those it has; an equal one is not put in twice. */
export function withAlso(tree: Tree | null, node: Tree): Tree | null {
  const text = JSON.stringify(node);
  const others = conjuncts(tree).filter((one) => JSON.stringify(one) !== text);
  return allOf([...others, node]);
}

/** What is sent for a filter and a search box; `root` is where in it the filter stands. */
export function sent(tree: Tree | null, q: string): { filter: Tree | null; root: string } {
  if (q === "") return { filter: tree, root: "" };
  const search: Search = { op: "search", value: q };
  if (tree === null) return { filter: search, root: "/none" };
  if (tree.op === "and") return { filter: { op: "and", of: [...tree.of, search] }, root: "" };
  return { filter: { op: "and", of: [tree, search] }, root: "/of/0" };
}

/** The tree with the node at a JSON pointer replaced, or taken out where `next` is null. */
export function replaceAt(tree: Tree, path: readonly number[], next: Tree | null): Tree | null {
  const [index, ...rest] = path;
  if (index === undefined) return next;
  if (tree.op === "not") {
    const inner = replaceAt(tree.of, rest, next);
    return inner === null ? null : { op: "not", of: inner };
  }
  if (!isGroup(tree)) return tree;
  const of: Tree[] = [];
  tree.of.forEach((child, place) => {
    const kept = place === index ? replaceAt(child, rest, next) : child;
    if (kept !== null) of.push(kept);
  });
  return of.length === 0 ? null : { op: tree.op, of };
}

/** The JSON pointer of the node at a path. */
export function pointerOf(tree: Tree, path: readonly number[]): string {
  const [index, ...rest] = path;
  if (index === undefined) return "";
  if (tree.op === "not") return `/of${pointerOf(tree.of, rest)}`;
  if (!isGroup(tree)) return "";
  const child = tree.of[index];
  return `/of/${index}${child === undefined ? "" : pointerOf(child, rest)}`;
}

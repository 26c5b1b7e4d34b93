/** A node of a filter tree, as the API takes it. */
export type Node = { op: string } & Record<string, unknown>;

/** The tree for words, statuses and the filter of the list one came from; null for all leads. */
export function pastFilter(
  words: string,
  statuses: readonly string[],
  fromList: string | undefined,
): Node | null {
  const parts: Node[] = [];
  const list = fromList === undefined ? null : parsed(fromList);
  if (list !== null) parts.push(list);
  if (words.trim() !== "") parts.push({ op: "search", value: words.trim() });
  if (statuses.length > 0) parts.push({ op: "in", field: "status", values: [...statuses] });
  if (parts.length === 0) return null;
  return parts.length === 1 ? (parts[0] as Node) : { op: "and", of: parts };
}

function parsed(text: string): Node | null {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" && "op" in value ? (value as Node) : null;
  } catch {
    return null;
  }
}

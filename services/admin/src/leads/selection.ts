/** Which leads are chosen: some by id, or all that the filter finds but a few. */
export type Selection =
  | { mode: "some"; ids: ReadonlySet<string> }
  | { mode: "all"; except: ReadonlySet<string> };

/** Nothing chosen. */
export const NOTHING: Selection = { mode: "some", ids: new Set() };

/** Whether the lead is chosen. */
export function holds(selection: Selection, id: string): boolean {
  return selection.mode === "all" ? !selection.except.has(id) : selection.ids.has(id);
}

/** The selection with these leads in it, or out of it. */
export function choose(selection: Selection, ids: readonly string[], on: boolean): Selection {
  if (selection.mode === "all") {
    const except = new Set(selection.except);
    for (const id of ids) on ? except.delete(id) : except.add(id);
    return { mode: "all", except };
  }
  const chosen = new Set(selection.ids);
  for (const id of ids) on ? chosen.add(id) : chosen.delete(id);
  return { mode: "some", ids: chosen };
}

/** How many are chosen when the filter finds `total`. */
export function chosenCount(selection: Selection, total: number): number {
  if (selection.mode === "some") return selection.ids.size;
  return Math.max(total - selection.except.size, 0);
}

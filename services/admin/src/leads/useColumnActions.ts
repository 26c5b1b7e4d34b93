import { useMemo, useState } from "react";
import type { ColumnActions } from "./grid/HeadCell";
import { nextSort, writeSort } from "./search";
import type { LeadsState } from "./useLeadsState";

/** `names` with `name` before the one that is at `to` now. */
export function movedTo(names: readonly string[], name: string, to: number): string[] {
  const from = names.indexOf(name);
  if (from < 0) return [...names];
  const rest = names.filter((one) => one !== name);
  const place = Math.max(0, Math.min(to > from ? to - 1 : to, rest.length));
  return [...rest.slice(0, place), name, ...rest.slice(place)];
}

/** What headers do to the list, kept in its address, and the widths that are drawn now. */
export function useColumnActions(state: LeadsState) {
  const [drawn, setDrawn] = useState<Record<string, number>>({});
  const widths = useMemo(
    () => ({ ...state.layout.widths, ...drawn }),
    [state.layout.widths, drawn],
  );
  const actions = useMemo(() => {
    const { columns, layout, sort, set } = state;
    const actions: ColumnActions & {
      sortBy(field: string, descending: boolean): void;
      toggle(field: string, on: boolean): void;
    } = {
      sort: (field, also) => set({ sort: writeSort(nextSort(sort, field, also)) }),
      sortBy: (field, descending) => set({ sort: writeSort([{ field, descending }]) }),
      remove: (field) => {
        if (columns.length > 1) set({ columns: columns.filter((name) => name !== field) });
      },
      resize: (field, width) => set({ widths: { ...layout.widths, [field]: width } }, true),
      draw: (field, width) => setDrawn(width === null ? {} : { [field]: width }),
      move: (field, to) => set({ columns: movedTo(columns, field, to) }),
      toggle: (field, on) => (on ? set({ columns: [...columns, field] }) : actions.remove(field)),
    };
    return actions;
  }, [state]);
  return { actions, widths };
}

import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { FilterSyntax, printFilter, readFilter } from "./filter/text";
import type { Tree } from "./filter/tree";
import { type LeadsSearch, readSort, readWidths, type SortKey, writeSort } from "./search";
import { useViews, type View } from "./useViews";

const route = getRouteApi("/leads");
/** Members of a layout have names of 100 signs at most. */
const WIDTH_NAME_MAX = 94;

/** What a list shows when neither the address nor the view says. */
export const DEFAULT_COLUMNS = [
  "name",
  "phone",
  "status",
  "owner",
  "campaign_name",
  "priority",
  "call_attempts",
  "latest_call_at",
  "next_dial_at",
  "last_modified_at",
] as const;

/** A part of a view that can be changed by itself. */
export type Part = (typeof PARTS)[number];
const PARTS = ["filter", "columns", "sort", "layout"] as const;

/** How the list is drawn, as views keep it. */
export interface Layout {
  rows: "dense" | "roomy";
  widths: Record<string, number>;
}

/** The list as it stands: the view, and what the address says besides. */
export interface LeadsState {
  search: LeadsSearch;
  views: readonly View[];
  view: View | undefined;
  loading: boolean;
  error: Error | null;
  /** The filter without the search box; undefined while its text cannot be read. */
  tree: Tree | null | undefined;
  filterText: string;
  syntax: FilterSyntax | null;
  q: string;
  sort: SortKey[];
  columns: readonly string[];
  layout: Layout;
  /** What differs from the view as it is saved. */
  changed: Part[];
  /** Changes the address; `quietly` without a step to go back to. */
  set(change: Partial<Record<keyof LeadsSearch, unknown>>, quietly?: boolean): void;
  setTree(tree: Tree | null): void;
}

/** The parts of a view that a list is made of. */
export function partsOf(view: View | undefined) {
  const filter = (view?.usable.filter ?? null) as Tree | null;
  const layout = (view?.layout ?? {}) as Record<string, unknown>;
  const shown = (view?.usable.columns ?? []).filter((name) => name !== "lead_id");
  return {
    text: filter === null ? "" : printFilter(filter),
    columns: shown.length > 0 ? shown : [...DEFAULT_COLUMNS],
    sort: writeSort((view?.usable.sort ?? []) as SortKey[]),
    layout: {
      rows: layout.rows === "roomy" ? "roomy" : "dense",
      widths: layoutWidths(layout),
    } satisfies Layout,
  };
}

/** A view's layout is flat, so widths stand in it as `width:<column>`. */
function layoutWidths(layout: Record<string, unknown>): Record<string, number> {
  const found: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(layout)) {
    if (name.startsWith("width:")) found[name.slice("width:".length)] = value;
  }
  return readWidths(found) ?? {};
}

/** A layout as a view keeps it. */
export function storedLayout(layout: Layout): Record<string, string | number> {
  const widths = Object.entries(layout.widths)
    .filter(([name]) => name.length <= WIDTH_NAME_MAX)
    .map(([name, width]) => [`width:${name}`, width]);
  return { rows: layout.rows, ...Object.fromEntries(widths) };
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function sameWidths(one: Record<string, number>, other: Record<string, number>): boolean {
  const sorted = (widths: Record<string, number>) => Object.entries(widths).sort();
  return same(sorted(one), sorted(other));
}

/** Joins the address with the view it names. */
export function useLeadsState(): LeadsState {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const views = useViews();
  const alone = Object.keys(search).length === 0;
  const wanted = search.view ?? (alone ? views.data?.opens_first : "all") ?? "all";
  const view = views.data?.views.find((one) => one.view === wanted);

  const set = useCallback(
    (change: Partial<Record<keyof LeadsSearch, unknown>>, quietly = false) => {
      navigate({
        search: (before: LeadsSearch) => {
          const next: Record<string, unknown> = { view: wanted, ...before, ...change };
          for (const [name, value] of Object.entries(next)) {
            if (value === undefined) delete next[name];
          }
          return next as LeadsSearch;
        },
        replace: quietly,
      });
    },
    [navigate, wanted],
  );

  return useMemo(() => {
    const base = partsOf(view);
    const filterText = search.filter ?? base.text;
    let tree: Tree | null | undefined;
    let syntax: FilterSyntax | null = null;
    try {
      tree = readFilter(filterText);
    } catch (error) {
      if (!(error instanceof FilterSyntax)) throw error;
      syntax = error;
    }
    const columns = search.columns ?? base.columns;
    const sort = search.sort ?? base.sort;
    const layout: Layout = {
      rows: search.rows ?? base.layout.rows,
      widths: search.widths ?? base.layout.widths,
    };
    const differs: Record<Part, boolean> = {
      filter: filterText !== base.text || Boolean(search.q),
      columns: !same(columns, base.columns),
      sort: !same(sort, base.sort),
      layout: layout.rows !== base.layout.rows || !sameWidths(layout.widths, base.layout.widths),
    };
    return {
      search,
      views: views.data?.views ?? [],
      view,
      loading: views.data === undefined && views.error === null,
      error: views.error,
      tree,
      filterText,
      syntax,
      q: search.q ?? "",
      sort: readSort(sort),
      columns,
      layout,
      changed: PARTS.filter((part) => differs[part]),
      set,
      setTree: (next) => set({ filter: next === null ? "" : printFilter(next) }),
    };
  }, [search, views.data, views.error, view, set]);
}

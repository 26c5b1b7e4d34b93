import { type InfiniteData, keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, data, type Schemas } from "../../api/client";
import { minPosition } from "../../api/lag";
import type { Tree } from "../filter/tree";
import type { SortKey } from "../search";

/** A lead as a list shows it: the columns asked for, and always its id and version. */
export type Lead = Schemas["Lead"] & { lead_id: string };

/** A filter as the API's types have it. */
export type ApiFilter = Schemas["SearchBody"]["filter"];

/** What a list asks for. */
export interface Question {
  filter: Tree | null;
  sort: readonly SortKey[];
  columns: readonly string[];
}

interface Place {
  cursor: string | null;
  /** Of the first row after it, or with `back` of the row it ends before. */
  at: number;
  back: boolean;
}

/** A page with the place of its first row, counted from where the list was opened. */
export type PageAt = Schemas["LeadPage"] & { at: number };
/** All pages that are held. */
export type Pages = InfiniteData<PageAt, Place>;

const PAGE = 100;
/** So many pages are held; beyond, those left behind are let go and read again on the way back. */
const PAGES_MAX = 20;

/** The key under which the pages of a question are held. */
export function pagesKey(question: Question) {
  const columns = [...question.columns].sort();
  return ["leads", "pages", question.filter, question.sort, columns] as const;
}

async function search(question: Question, place: Place, signal: AbortSignal): Promise<PageAt> {
  const page = await data(
    api.POST("/v1/leads/search", {
      body: {
        filter: question.filter as ApiFilter,
        sort: [...question.sort],
        columns: ["lead_id", "version", ...question.columns],
        limit: PAGE,
        cursor: place.cursor,
        min_position: minPosition(),
      } as never,
      signal,
    }),
  );
  const at = place.back ? Math.max(place.at - page.leads.length, 0) : place.at;
  return { ...page, at };
}

/** The leads of a question, page after page, in both directions. */
export function useLeadPages(question: Question, enabled: boolean) {
  const query = useInfiniteQuery({
    queryKey: pagesKey(question),
    queryFn: ({ pageParam, signal }) => search(question, pageParam, signal),
    initialPageParam: { cursor: null, at: 0, back: false } as Place,
    getNextPageParam: (last: PageAt): Place | undefined =>
      last.next === null
        ? undefined
        : { cursor: last.next, at: last.at + last.leads.length, back: false },
    getPreviousPageParam: (first: PageAt): Place | undefined =>
      first.at > 0 && first.previous !== null
        ? { cursor: first.previous, at: first.at, back: true }
        : undefined,
    maxPages: PAGES_MAX,
    placeholderData: keepPreviousData,
    enabled,
    staleTime: 30_000,
  });
  const rows = useMemo(
    () => (query.data?.pages ?? []).flatMap((page) => page.leads) as Lead[],
    [query.data],
  );
  const start = query.data?.pages[0]?.at ?? 0;
  const position = Math.max(0, ...(query.data?.pages ?? []).map((page) => page.position));
  return { query, rows, start, position };
}

/** How many leads a filter finds: exact to 10,000, then estimated, unless `exact` is asked. */
export async function countLeads(
  filter: Tree | null,
  exact: boolean,
  signal?: AbortSignal,
): Promise<Schemas["Count"]> {
  return data(
    api.POST("/v1/leads/count", {
      body: {
        filter: filter as ApiFilter,
        exact,
        scope: "sight",
        min_position: minPosition(),
      } as never,
      ...(signal && { signal }),
    }),
  );
}

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { type Happening, type Line, useActivity } from "../../api/activity";
import { api, data } from "../../api/client";
import type { Tree } from "../filter/tree";
import { type Lead, type Pages, pagesKey, type Question } from "./useLeadPages";
import { cellValue } from "./values";

const PAUSE_MS = 2_000;
const LOOK_MAX = 200;
const FLASH_MS = 1_600;

function only(ids: readonly string[], filter: Tree | null): Tree {
  const among: Tree = { op: "in", field: "lead_id", values: [...ids] };
  return filter === null ? among : { op: "and", of: [filter, among] };
}

async function look(
  filter: Tree,
  columns: readonly string[],
  position: number,
): Promise<Map<string, Lead>> {
  const page = await data(
    api.POST("/v1/leads/search", {
      body: {
        filter,
        sort: [],
        columns: ["lead_id", "version", ...columns],
        limit: LOOK_MAX,
        min_position: position,
      } as never,
    }),
  );
  return new Map((page.leads as Lead[]).map((lead) => [lead.lead_id, lead]));
}

/** Which leads stand elsewhere by now: those whose sort values differ from what is shown. */
export function moved(before: Lead, now: Lead, question: Question): boolean {
  const sort = question.sort.length > 0 ? question.sort : [{ field: "last_modified_at" }];
  return sort.some((key) => {
    const was = cellValue(before, key.field);
    return was !== undefined && was !== cellValue(now, key.field);
  });
}

/** Of what was heard, what to look at now: rows that are shown first; the rest waits its turn. */
export function nextToLookAt(
  heard: ReadonlyMap<string, number>,
  shown: ReadonlyMap<string, unknown>,
): [string, number][] {
  const here = [...heard].filter(([id]) => shown.has(id));
  const others = [...heard].filter(([id]) => !shown.has(id));
  return [...here, ...others].slice(0, LOOK_MAX);
}

/**
 * Keeps rows fresh from the stream of activity. Values change where they stand; what would change
 * the order, or which rows there are, is only counted in `waiting` until somebody asks for it.
 */
export function useLive(
  question: Question,
  rows: readonly Lead[],
  running: boolean,
): { line: Line; waiting: number; fresh: ReadonlySet<string>; shown: () => void } {
  const queries = useQueryClient();
  const heard = useRef(new Map<string, number>());
  const elsewhere = useRef(new Set<string>());
  const [waiting, setWaiting] = useState(0);
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const current = useRef({ question, rows });
  current.current = { question, rows };
  const key = JSON.stringify(pagesKey(question));

  // biome-ignore lint/correctness/useExhaustiveDependencies: another list has no changes yet
  useEffect(() => {
    heard.current.clear();
    elsewhere.current.clear();
    setWaiting(0);
  }, [key]);

  const { line } = useActivity("", running, (happenings: Happening[]) => {
    for (const one of happenings) heard.current.set(one.lead_id, one.position);
  });

  const take = useCallback(async () => {
    if (heard.current.size === 0) return;
    const { question, rows } = current.current;
    const shownIds = new Map(rows.map((row) => [row.lead_id, row]));
    const batch = nextToLookAt(heard.current, shownIds);
    for (const [id] of batch) heard.current.delete(id);
    const ids = batch.map(([id]) => id);
    const position = Math.max(...batch.map(([, at]) => at));
    const sortFields = question.sort.map((one) => one.field);
    const columns = [...new Set([...question.columns, ...sortFields, "last_modified_at"])];
    const now = await look(only(ids, question.filter), columns, position).catch(() => null);
    if (now === null || current.current.question !== question) return;
    for (const id of ids) {
      const before = shownIds.get(id);
      const after = now.get(id);
      const differs =
        (before === undefined) !== (after === undefined) ||
        (before !== undefined && after !== undefined && moved(before, after, question));
      if (differs) elsewhere.current.add(id);
    }
    setWaiting(elsewhere.current.size);
    const changed = new Set([...now.keys()].filter((id) => shownIds.has(id)));
    if (changed.size === 0) return;
    queries.setQueryData<Pages>(pagesKey(question), (held) =>
      held === undefined
        ? held
        : {
            ...held,
            pages: held.pages.map((page) => ({
              ...page,
              leads: page.leads.map((lead) => now.get((lead as Lead).lead_id) ?? lead),
            })),
          },
    );
    setFresh(changed);
    setTimeout(() => setFresh(new Set()), FLASH_MS);
  }, [queries]);

  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => {
      if (!document.hidden) take();
    }, PAUSE_MS);
    return () => clearInterval(timer);
  }, [running, take]);

  const shown = useCallback(() => {
    elsewhere.current.clear();
    setWaiting(0);
  }, []);
  return { line, waiting, fresh, shown };
}

import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { api, data, raw, type Schemas } from "../api/client";
import { newKey } from "../api/commands";
import { wrote } from "../api/lag";
import { whileUnfinished } from "../jobs/polling";
import type { Tree } from "../leads/filter/tree";
import type { Selection } from "../leads/selection";

/** A bulk job as the service shows it. */
export type BulkJob = Schemas["JobAnswer"];
/** One lead of a job. */
export type Outcome = Schemas["OutcomeAnswer"];

/** A filter that holds for every lead: to select all there are, one has to say so. */
const EVERY: Tree = { op: "not", of: { op: "is_empty", field: "lead_id" } };
const AFTERWARDS_MS = [0, 1_500, 5_000];

/** Whether the job still changes by itself. */
export function goesOn(job: BulkJob): boolean {
  return job.state !== "finished" && job.state !== "planned" && !job.stalled;
}

async function post<T>(path: string, body?: unknown): Promise<T> {
  const response = await raw(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": newKey() },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as T & { position?: number };
  if (typeof answer.position === "number" && path !== "/v1/selections") wrote(answer.position);
  return answer;
}

/** What a selection is frozen from: ids, or the filter in force with those left out. */
export function frozenFrom(selection: Selection, filter: Tree | null) {
  return selection.mode === "some"
    ? { ids: [...selection.ids] }
    : { filter: filter ?? EVERY, exclude_ids: [...selection.except] };
}

/** Freezes the selected leads and asks for the plan of one command on them. */
export async function planJob(asked: {
  selection: Selection;
  filter: Tree | null;
  command: string;
  fields: Record<string, unknown>;
}): Promise<BulkJob> {
  const frozen = await post<Schemas["Selection"]>(
    "/v1/selections",
    frozenFrom(asked.selection, asked.filter),
  );
  return post<BulkJob>("/v1/bulk-jobs", {
    selection: frozen.id,
    digest: frozen.digest,
    command: { name: asked.command, ...asked.fields },
  });
}

/** A job, read again while it goes on; when it ends, all that is shown of leads is read anew. */
export function useJob(id: string) {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: ["bulk", id],
    queryFn: () => data(api.GET("/v1/bulk-jobs/{job_id}", { params: { path: { job_id: id } } })),
    refetchInterval: whileUnfinished(goesOn),
  });
  const before = useRef<string | undefined>(undefined);
  const state = query.data?.state;
  useEffect(() => {
    const ended = state === "finished" && before.current !== undefined;
    const first = before.current !== "finished";
    before.current = state;
    if (!ended || !first) return;
    // The read models follow the log within a moment.
    for (const later of AFTERWARDS_MS) {
      setTimeout(() => {
        queries.invalidateQueries({ queryKey: ["leads"] });
        queries.invalidateQueries({ queryKey: ["views", "counts"] });
        queries.invalidateQueries({ queryKey: ["bulk", id] });
      }, later);
    }
  }, [state, queries, id]);
  return query;
}

/** Carries a plan out, stops a job, plans to take one back. */
export function useJobDeeds(id: string) {
  const queries = useQueryClient();
  const again = () => queries.invalidateQueries({ queryKey: ["bulk"] });
  const execute = useMutation({
    mutationFn: (digest: string) => post<BulkJob>(`/v1/bulk-jobs/${id}/execute`, { digest }),
    onSettled: again,
  });
  const cancel = useMutation({
    mutationFn: () => post<BulkJob>(`/v1/bulk-jobs/${id}/cancel`),
    onSettled: again,
  });
  const undo = useMutation({
    mutationFn: () => post<BulkJob>(`/v1/bulk-jobs/${id}/undo`),
    onSettled: again,
  });
  return { execute, cancel, undo };
}

const PAGE = 100;

/** The leads of a job with what is planned for them or became of them, page by page. */
export function useOutcomes(id: string, step: "plan" | "done", outcome: string | undefined) {
  return useInfiniteQuery({
    queryKey: ["bulk", id, "outcomes", step, outcome ?? ""],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/bulk-jobs/{job_id}/outcomes", {
          params: {
            path: { job_id: id },
            query: {
              limit: PAGE,
              step,
              ...(outcome !== undefined && { outcome }),
              ...(pageParam !== "" && { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (last) => last.next ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
}

/** How often each reason was given, the commonest first. */
export interface ReasonCount {
  code: string;
  detail: string;
  count: number;
}

/** Counts reasons; one code with several sentences shows the first and counts all. */
export function grouped(outcomes: readonly Pick<Outcome, "reasons">[]): ReasonCount[] {
  const found = new Map<string, ReasonCount>();
  for (const { reasons } of outcomes) {
    for (const { code = "", detail = "" } of reasons) {
      const one = found.get(code) ?? { code, detail, count: 0 };
      one.count += 1;
      found.set(code, one);
    }
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}

const REASON_PAGE = 1_000;
const REASON_PAGES_MAX = 20;

/** Why leads were refused, with counts; of very many refusals, of the first 20,000. */
export function useReasons(id: string, step: "plan" | "done", refused: number) {
  return useQuery({
    queryKey: ["bulk", id, "reasons", step, refused],
    enabled: refused > 0,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => {
      const all: Outcome[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < REASON_PAGES_MAX; page += 1) {
        const query: Record<string, unknown> = { limit: REASON_PAGE, step, outcome: "refused" };
        if (cursor !== null) query.cursor = cursor;
        const told: Schemas["OutcomePage"] = await data(
          api.GET("/v1/bulk-jobs/{job_id}/outcomes", {
            params: { path: { job_id: id }, query: query as never },
          }),
        );
        all.push(...told.outcomes);
        cursor = told.next;
        if (cursor === null) break;
      }
      return { reasons: grouped(all), looked: all.length };
    },
  });
}

/** Names for the leads of outcomes, as far as they are in sight. */
export function useLeadNames(ids: readonly string[]) {
  const asked = [...ids].sort();
  const query = useQuery({
    queryKey: ["leads", "names", asked],
    enabled: asked.length > 0,
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    queryFn: async () => {
      const names = new Map<string, string>();
      for (let start = 0; start < asked.length; start += REASON_PAGE) {
        const some = asked.slice(start, start + REASON_PAGE);
        const page = await data(
          api.POST("/v1/leads/search", {
            body: {
              filter: { op: "in", field: "lead_id", values: some },
              columns: ["lead_id", "name", "phone"],
              limit: REASON_PAGE,
            } as never,
          }),
        );
        for (const lead of page.leads) {
          names.set(String(lead.lead_id), lead.name || lead.phone || "");
        }
      }
      return names;
    },
  });
  return query.data ?? new Map<string, string>();
}

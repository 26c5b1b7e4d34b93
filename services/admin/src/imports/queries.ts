import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { useMe } from "../api/queries";
import { whileUnfinished } from "../jobs/polling";

/** An import as the API shows it. */
export type Import = Schemas["ImportAnswer"];
/** What the columns of a file seem to be. */
export type Proposal = Schemas["ProposalAnswer"];
/** How a file becomes leads. */
export type Settings = Schemas["ImportSettings"];
/** What becomes of a row. */
export type Outcome =
  | "created"
  | "updated"
  | "unchanged"
  | "skipped"
  | "refused"
  | "blank"
  | "reversed"
  | "kept"
  | "erased";

const PAGE = 100;
const GROUPED_MAX = 1_000;
const GOING_ON = new Set(["running", "cancelling", "undoing"]);

/** Whether the service is at work on an import: its preview, its run, its undo. */
export function goesOn(one: Import): boolean {
  if (one.stalled) return false;
  return GOING_ON.has(one.state) || (one.preview !== null && !one.previewed && !one.cancelled);
}

/** The latest imports of the caller; of everybody for admins and auditors. */
export function useImports() {
  return useQuery({
    queryKey: ["imports"],
    queryFn: () => data(api.GET("/v1/imports")),
    refetchInterval: whileUnfinished<Schemas["ImportList"]>((list) => list.imports.some(goesOn)),
  });
}

/** One import, read again while it goes on, or while somebody `waits` for its preview. */
export function useImport(id: string, waits = false) {
  return useQuery({
    queryKey: ["imports", id],
    queryFn: () =>
      data(api.GET("/v1/imports/{import_id}", { params: { path: { import_id: id } } })),
    refetchInterval: whileUnfinished<Import>((one) => waits || goesOn(one)),
  });
}

/** How a file shall be read, where the guess is wrong. */
export interface Reading {
  encoding?: Settings["encoding"];
  delimiter?: string;
  header?: boolean;
}

/** What the columns of a file seem to be, when it is read so. Only who uploaded it may ask. */
export function useProposal(id: string, reading: Reading, wanted = true) {
  return useQuery({
    queryKey: ["import columns", id, reading],
    queryFn: () =>
      data(
        api.GET("/v1/imports/{import_id}/columns", {
          params: { path: { import_id: id }, query: reading },
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    enabled: wanted,
  });
}

/** What becomes of the rows, a page after the other. */
export function useRows(id: string, step: "plan" | "done" | "undo", outcome?: string) {
  return useInfiniteQuery({
    queryKey: ["imports", id, "rows", step, outcome ?? ""],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/imports/{import_id}/rows", {
          params: {
            path: { import_id: id },
            query: {
              step,
              after: pageParam,
              limit: PAGE,
              ...(outcome !== undefined && { outcome: outcome as Outcome }),
            },
          },
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
}

/** The first thousand refused rows, to be told by reason. */
export function useRefused(id: string, step: "plan" | "done", wanted: boolean) {
  return useQuery({
    queryKey: ["imports", id, "refused", step],
    queryFn: () =>
      data(
        api.GET("/v1/imports/{import_id}/rows", {
          params: {
            path: { import_id: id },
            query: { step, outcome: "refused", limit: GROUPED_MAX },
          },
        }),
      ),
    enabled: wanted,
  });
}

/** The pools of a campaign that still take leads. */
export function usePools(campaign: string) {
  return useQuery({
    queryKey: ["pools", "of", campaign],
    queryFn: () =>
      data(
        api.GET("/v1/pools", {
          params: {
            query: {
              campaign,
              active: "true",
              scope: "all",
              limit: 1000,
              min_position: minPosition(),
            },
          },
        }),
      ),
    enabled: campaign !== "",
  });
}

/** What is done to an import: its settings, then preview, run, cancel, undo. */
export function useImportStep(id: string) {
  const queries = useQueryClient();
  const path = { params: { path: { import_id: id } } };
  return useMutation({
    mutationFn: (step: "preview" | "run" | "cancel" | "undo" | Settings): Promise<Import> => {
      switch (step) {
        case "preview":
          return data(api.POST("/v1/imports/{import_id}/preview", path));
        case "run":
          return data(api.POST("/v1/imports/{import_id}/run", path));
        case "cancel":
          return data(api.POST("/v1/imports/{import_id}/cancel", path));
        case "undo":
          return data(api.POST("/v1/imports/{import_id}/undo", path));
        default:
          return data(api.PUT("/v1/imports/{import_id}/mapping", { ...path, body: step }));
      }
    },
    onSuccess: (answer) => {
      queries.setQueryData(["imports", id], answer);
      return queries.invalidateQueries({ queryKey: ["imports"] });
    },
  });
}

/** Whether the caller may import at all; of whose leads, each row decides. */
export function useMayImport(): boolean {
  const { data: me } = useMe();
  if (me === undefined) return false;
  return (
    ["admin", "team_leader"].includes(me.role) ||
    me.rights.some((right) => right === "lead_admin" || right === "lead_pools")
  );
}

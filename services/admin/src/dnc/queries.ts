import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { whileUnfinished } from "../jobs/polling";
import { international, isNumber } from "./numbers";
import type { DncSearch } from "./routes";

/** A do-not-call entry as the API shows it. */
export type Entry = Schemas["DncEntry"];
/** A file of numbers as the API shows it. */
export type DncFile = Schemas["FileAnswer"];

/** Do-not-call entries, a page after the other. */
export function useEntries(search: DncSearch) {
  const number = international(search.number ?? "");
  return useInfiniteQuery({
    queryKey: ["do-not-call", search],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/do-not-call", {
          params: {
            query: {
              min_position: minPosition(),
              standing: search.ended === true ? "false" : "true",
              ...(isNumber(number) && { number }),
              ...(search.scope !== undefined && { scope: search.scope }),
              ...(search.campaign !== undefined && { campaign: search.campaign }),
              ...(pageParam !== "" && { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
}

/** How many leads have a number, first or further; null while it is no number. */
export function useLeadsWith(number: string) {
  return useQuery({
    queryKey: ["leads with", number],
    queryFn: () =>
      data(
        api.POST("/v1/leads/count", {
          body: {
            exact: true,
            min_position: minPosition(),
            scope: "all",
            filter: {
              op: "or",
              of: [
                { op: "equals", field: "phone", value: number },
                { op: "equals", field: "contacts.phone", value: number },
              ],
            },
          },
        }),
      ),
    enabled: isNumber(number),
  });
}

function works(file: DncFile): boolean {
  return file.state === "planning" || file.state === "executing";
}

/** The latest files of numbers. */
export function useFiles(wanted: boolean) {
  return useQuery({
    queryKey: ["dnc files"],
    queryFn: () => data(api.GET("/v1/do-not-call-files")),
    refetchInterval: whileUnfinished<Schemas["FileList"]>((list) => list.files.some(works)),
    enabled: wanted,
  });
}

/** One file of numbers, read again while it is planned or carried out. */
export function useFile(id: string) {
  return useQuery({
    queryKey: ["dnc files", id],
    queryFn: () =>
      data(api.GET("/v1/do-not-call-files/{file_id}", { params: { path: { file_id: id } } })),
    refetchInterval: whileUnfinished<DncFile>(works),
  });
}

/** What becomes of each row of a file. */
export function useFileRows(id: string, step: "plan" | "done", outcome: string | undefined) {
  return useInfiniteQuery({
    queryKey: ["dnc files", id, "rows", step, outcome ?? ""],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/do-not-call-files/{file_id}/rows", {
          params: {
            path: { file_id: id },
            query: {
              step,
              after: pageParam,
              ...(outcome !== undefined && {
                outcome: outcome as "accepted" | "there" | "refused",
              }),
            },
          },
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
  });
}

/** Carries the plan of a file out, or does nothing more of it. */
export function useFileStep(id: string) {
  const queries = useQueryClient();
  const path = { params: { path: { file_id: id } } };
  return useMutation({
    mutationFn: (step: { digest: string } | "cancel"): Promise<DncFile> =>
      step === "cancel"
        ? data(api.POST("/v1/do-not-call-files/{file_id}/cancel", path))
        : data(
            api.POST("/v1/do-not-call-files/{file_id}/execute", { ...path, body: step } as never),
          ),
    onSuccess: () => queries.invalidateQueries(),
  });
}

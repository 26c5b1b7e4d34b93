import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { api, data, raw, type Schemas } from "../api/client";
import { minPosition, wrote } from "../api/lag";
import type { QuarantineSearch } from "./routes";

/** A held payload as the API shows it. */
export type Held = Schemas["Held"];

/** Held payloads, the latest first. */
export function useQuarantine({ state, code }: QuarantineSearch) {
  return useInfiniteQuery({
    queryKey: ["quarantine", state ?? "", code ?? ""],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/quarantine", {
          params: {
            query: {
              min_position: minPosition(),
              ...(state !== undefined && { state }),
              ...(code !== undefined && { code }),
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

/** One held payload. */
export function useHeld(id: string) {
  return useQuery({
    queryKey: ["quarantine", "one", id],
    queryFn: () =>
      data(
        api.GET("/v1/quarantine/{quarantine_id}", {
          params: { path: { quarantine_id: id }, query: { min_position: minPosition() } },
        }),
      ),
  });
}

/** What became of payloads that were tried again. */
export interface Reprocessed {
  taken_in: number;
  quarantined: number;
  skipped: string[];
  more: boolean;
  position: number;
  items: { outcome: string; detail?: string; lead_id?: string }[];
}

/** Tries held payloads again: some by id, or those held for one reason. */
export function useReprocess() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (which: { ids: string[] } | { code: string }): Promise<Reprocessed> => {
      const response = await raw("/v1/quarantine/reprocess", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(which),
      });
      const answer = (await response.json()) as Reprocessed;
      wrote(answer.position);
      return answer;
    },
    onSuccess: () => queries.invalidateQueries(),
  });
}

import { useQuery } from "@tanstack/react-query";
import { data, raw, type Schemas } from "../api/client";

const AGAIN_MS = 2_000;

/** The numbers of one pool, campaign or segment; asked again until they are exact. */
export function useSummary(kind: "pools" | "campaigns" | "segments", id: string) {
  return useQuery({
    queryKey: ["summary", kind, id],
    queryFn: () =>
      data(
        raw(`/v1/${kind}/${encodeURIComponent(id)}/summary`).then(async (response) => ({
          data: (await response.json()) as Schemas["SummaryAnswer"],
        })),
      ),
    refetchInterval: (query) => (query.state.data?.summary.exact === false ? AGAIN_MS : false),
  });
}

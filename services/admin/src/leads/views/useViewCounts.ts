import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import { minPosition } from "../../api/lag";
import { ZONE } from "../../parts/Moment";

const SOON_MS = 3_000;
const LATER_MS = 30_000;

/** How many leads each view has; what nobody has counted yet is asked for again soon. */
export function useViewCounts() {
  const query = useQuery({
    queryKey: ["views", "counts"],
    queryFn: () =>
      data(
        api.GET("/v1/views/counts", {
          params: { query: { zone: ZONE, min_position: minPosition() } },
        }),
      ),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) =>
      state.data?.counts.some((one) => one.count === null) ? SOON_MS : LATER_MS,
  });
  return new Map(query.data?.counts.map((one) => [one.view, one]));
}

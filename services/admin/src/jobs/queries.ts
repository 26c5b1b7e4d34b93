import { useQuery } from "@tanstack/react-query";
import { api, data } from "../api/client";
import { minPosition } from "../api/lag";
import { ZONE } from "../parts/Moment";

/** How many leads a view has in the caller's sight; null while nothing is chosen. */
export function useViewCount(view: string | null) {
  return useQuery({
    queryKey: ["views", "count", view],
    queryFn: () =>
      data(
        api.GET("/v1/views/counts", {
          params: { query: { zone: ZONE, view: [view ?? ""], min_position: minPosition() } },
        }),
      ),
    enabled: view !== null,
  });
}

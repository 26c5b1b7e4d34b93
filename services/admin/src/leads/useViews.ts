import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { ZONE } from "../parts/Moment";

/** A view as the caller has it. */
export type View = Schemas["View"];

/** The views the caller has: default ones, own ones, shared ones. */
export function useViews() {
  return useQuery({
    queryKey: ["views"],
    queryFn: () =>
      data(
        api.GET("/v1/views", { params: { query: { zone: ZONE, min_position: minPosition() } } }),
      ),
    staleTime: 60_000,
    placeholderData: keepPreviousData,
  });
}

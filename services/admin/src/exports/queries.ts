import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { whileUnfinished } from "../jobs/polling";
import type { ExportsSearch } from "./routes";

/** An export as the API shows it. */
export type Export = Schemas["ExportShown"];

/** Exports, the latest first, read again while one of them is being written. */
export function useExports(state: ExportsSearch["state"], whose: "mine" | "all") {
  return useInfiniteQuery({
    queryKey: ["exports", state ?? "", whose],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/exports", {
          params: {
            query: {
              whose,
              min_position: minPosition(),
              ...(state !== undefined && { state }),
              ...(pageParam !== "" && { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    placeholderData: keepPreviousData,
    refetchInterval: whileUnfinished<{ pages: Schemas["ExportPage"][] }>(({ pages }) =>
      pages.some((page) => page.exports.some((one) => one.state === "requested")),
    ),
  });
}

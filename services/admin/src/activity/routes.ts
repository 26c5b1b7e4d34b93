import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** What the activity page keeps in its address. */
export interface ActivitySearch {
  kind?: string;
  campaign?: string;
}

export const activityRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/activity",
    validateSearch: (search: Record<string, unknown>): ActivitySearch => ({
      ...(typeof search.kind === "string" && { kind: search.kind }),
      ...(typeof search.campaign === "string" && { campaign: search.campaign }),
    }),
    component: lazyRouteComponent(() => import("./ActivityPage"), "ActivityPage"),
  }),
] as const;

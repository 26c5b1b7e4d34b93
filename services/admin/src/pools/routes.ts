import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** What the list of pools keeps in its address. */
export interface PoolsSearch {
  campaign?: string;
  active?: "true" | "false";
  kpi?: string;
}

export const poolsRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/pools",
    validateSearch: (search: Record<string, unknown>): PoolsSearch => ({
      ...(typeof search.campaign === "string" && { campaign: search.campaign }),
      ...((search.active === "true" || search.active === "false") && { active: search.active }),
      ...(typeof search.kpi === "string" && { kpi: search.kpi }),
    }),
    component: lazyRouteComponent(() => import("./PoolsPage"), "PoolsPage"),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/pools/$poolId",
    component: lazyRouteComponent(() => import("./PoolPage"), "PoolPage"),
  }),
] as const;

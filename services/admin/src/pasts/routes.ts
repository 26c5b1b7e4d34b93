import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** What the page of one past keeps in its address. */
export interface PastSearch {
  filter?: string;
  field?: string;
}

export const pastsRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/pasts",
    component: lazyRouteComponent(() => import("./PastsPage"), "PastsPage"),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/pasts/$pastId",
    validateSearch: (search: Record<string, unknown>): PastSearch => ({
      ...(typeof search.filter === "string" && search.filter !== "" && { filter: search.filter }),
      ...(typeof search.field === "string" && search.field !== "" && { field: search.field }),
    }),
    component: lazyRouteComponent(() => import("./PastPage"), "PastPage"),
  }),
] as const;

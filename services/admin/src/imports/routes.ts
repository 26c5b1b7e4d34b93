import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** The steps of an import that is not run yet. */
export const IMPORT_STEPS = ["columns", "settings", "preview"] as const;

/** What the page of an import keeps in its address. */
export interface ImportSearch {
  step?: (typeof IMPORT_STEPS)[number];
  outcome?: string;
}

export const importRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/imports",
    component: lazyRouteComponent(() => import("./ImportsPage"), "ImportsPage"),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/imports/new",
    validateSearch: (search: Record<string, unknown>): { campaign?: string; pool?: string } => ({
      ...(typeof search.campaign === "string" && { campaign: search.campaign }),
      ...(typeof search.pool === "string" && { pool: search.pool }),
    }),
    component: lazyRouteComponent(() => import("./NewImportPage"), "NewImportPage"),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/imports/$importId",
    validateSearch: (search: Record<string, unknown>): ImportSearch => {
      const step = IMPORT_STEPS.find((one) => one === search.step);
      return {
        ...(step !== undefined && { step }),
        ...(typeof search.outcome === "string" && { outcome: search.outcome }),
      };
    },
    component: lazyRouteComponent(() => import("./ImportPage"), "ImportPage"),
  }),
] as const;

import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** The states of an export. */
export const EXPORT_STATES = ["requested", "finished", "failed", "cancelled", "removed"] as const;

/** What the page of exports keeps in its address; with `view` or `filter` one is asked for. */
export interface ExportsSearch {
  state?: (typeof EXPORT_STATES)[number];
  whose?: "all";
  view?: string;
  /** A filter in its text form. */
  filter?: string;
  ask?: true;
}

export const exportRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/exports",
    validateSearch: (search: Record<string, unknown>): ExportsSearch => {
      const state = EXPORT_STATES.find((one) => one === search.state);
      return {
        ...(state !== undefined && { state }),
        ...(search.whose === "all" && { whose: "all" }),
        ...(typeof search.view === "string" && { view: search.view }),
        ...(typeof search.filter === "string" && { filter: search.filter }),
        ...(search.ask === true && { ask: true }),
      };
    },
    component: lazyRouteComponent(() => import("./ExportsPage"), "ExportsPage"),
  }),
] as const;

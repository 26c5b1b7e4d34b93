import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** The states of a held payload. */
export const HELD_STATES = ["open", "mended", "reprocessed", "discarded", "erased"] as const;

/** What the page of held payloads keeps in its address. */
export interface QuarantineSearch {
  state?: (typeof HELD_STATES)[number];
  code?: string;
  /** The payload that is looked at. */
  held?: string;
}

export const quarantineRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/quarantine",
    validateSearch: (search: Record<string, unknown>): QuarantineSearch => {
      const state = HELD_STATES.find((one) => one === search.state);
      return {
        ...(state !== undefined && { state }),
        ...(typeof search.code === "string" && { code: search.code }),
        ...(typeof search.held === "string" && { held: search.held }),
      };
    },
    component: lazyRouteComponent(() => import("./QuarantinePage"), "QuarantinePage"),
  }),
] as const;

import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** What the log's page keeps in its address. */
export interface EventsSearch {
  category?: string;
  cause?: string;
  actor?: string;
  after?: number;
}

export const eventsRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/events",
    validateSearch: (search: Record<string, unknown>): EventsSearch => ({
      ...(typeof search.category === "string" && search.category && { category: search.category }),
      ...(typeof search.cause === "string" && search.cause && { cause: search.cause }),
      ...(typeof search.actor === "string" && search.actor && { actor: search.actor }),
      ...(typeof search.after === "number" && search.after > 0 && { after: search.after }),
    }),
    component: lazyRouteComponent(() => import("./EventsPage"), "EventsPage"),
  }),
] as const;

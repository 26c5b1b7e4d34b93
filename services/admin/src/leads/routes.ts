import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";
import { validateLeadsSearch } from "./search";

export const leadsRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/leads",
    validateSearch: validateLeadsSearch,
    component: lazyRouteComponent(() => import("./LeadsPage"), "LeadsPage"),
  }),
] as const;

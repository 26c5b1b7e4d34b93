import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** What the page of the organisation keeps in its address. */
export interface OrganisationSearch {
  tab?: "keys" | "statuses";
  /** What is switched off too. */
  inactive?: true;
}

export const organisationRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/organisation",
    validateSearch: (search: Record<string, unknown>): OrganisationSearch => ({
      ...(search.tab === "keys" && { tab: "keys" }),
      ...(search.tab === "statuses" && { tab: "statuses" }),
      ...(search.inactive === true && { inactive: true }),
    }),
    component: lazyRouteComponent(() => import("./OrganisationPage"), "OrganisationPage"),
  }),
] as const;

import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** The parts of a lead's page. */
export const TABS = ["details", "log", "past", "proof"] as const;
export type Tab = (typeof TABS)[number];

/** What a lead's page keeps in its address; `from` is the list one came from. */
export interface LeadSearch {
  tab?: Tab;
  /** The past that is looked at: `version:3` or an instant. */
  as_of?: string;
  /** The other side of a comparison: `version:7`. */
  against?: string;
  kind?: string;
  actor?: string;
  from?: string;
}

export const leadRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/leads/$leadId",
    validateSearch: (search: Record<string, unknown>): LeadSearch => ({
      ...(TABS.includes(search.tab as Tab) && { tab: search.tab as Tab }),
      ...(typeof search.as_of === "string" && { as_of: search.as_of }),
      ...(typeof search.against === "string" && { against: search.against }),
      ...(typeof search.kind === "string" && { kind: search.kind }),
      ...(typeof search.actor === "string" && { actor: search.actor }),
      ...(typeof search.from === "string" && { from: search.from }),
    }),
    component: lazyRouteComponent(() => import("./LeadPage"), "LeadPage"),
  }),
] as const;

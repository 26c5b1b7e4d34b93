import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

export const WORK_TABS = ["worklist", "callbacks", "dial-list", "contracts"] as const;
export type WorkTab = (typeof WORK_TABS)[number];
export const WHEN = ["due", "overdue", "today", "later", "any"] as const;

/** What the page of work keeps in its address. */
export interface WorkSearch {
  tab?: WorkTab;
  agent?: string;
  campaign?: string;
  when?: (typeof WHEN)[number];
  icon?: string;
}

function text(search: Record<string, unknown>, name: "agent" | "campaign" | "icon") {
  const value = search[name];
  return typeof value === "string" && value !== "" ? { [name]: value } : {};
}

export const workRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/work",
    validateSearch: (search: Record<string, unknown>): WorkSearch => ({
      ...(WORK_TABS.includes(search.tab as WorkTab) && { tab: search.tab as WorkTab }),
      ...(WHEN.includes(search.when as (typeof WHEN)[number]) && {
        when: search.when as (typeof WHEN)[number],
      }),
      ...text(search, "agent"),
      ...text(search, "campaign"),
      ...text(search, "icon"),
    }),
    component: lazyRouteComponent(() => import("./WorkPage"), "WorkPage"),
  }),
] as const;

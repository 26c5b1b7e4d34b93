import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** What the page of do-not-call entries keeps in its address. */
export interface DncSearch {
  tab?: "files";
  number?: string;
  scope?: "global" | "campaign";
  campaign?: string;
  /** Entries that have ended too. */
  ended?: true;
}

export const dncRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/do-not-call",
    validateSearch: (search: Record<string, unknown>): DncSearch => ({
      ...(search.tab === "files" && { tab: "files" }),
      // A number in an address is read as JSON would read it, without its plus.
      ...(["string", "number"].includes(typeof search.number) && {
        number: String(search.number),
      }),
      ...(search.scope === "global" && { scope: "global" }),
      ...(search.scope === "campaign" && { scope: "campaign" }),
      ...(typeof search.campaign === "string" && { campaign: search.campaign }),
      ...(search.ended === true && { ended: true }),
    }),
    component: lazyRouteComponent(() => import("./DncPage"), "DncPage"),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/do-not-call/files/$fileId",
    validateSearch: (search: Record<string, unknown>): { outcome?: string } => ({
      ...(typeof search.outcome === "string" && { outcome: search.outcome }),
    }),
    component: lazyRouteComponent(() => import("./FilePage"), "FilePage"),
  }),
] as const;

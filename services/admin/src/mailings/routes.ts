import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

/** What the page of mailed views keeps in its address; with `view` one is set up for it. */
export interface MailingsSearch {
  whose?: "all";
  view?: string;
  ask?: true;
}

export const mailingRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/view-mails",
    validateSearch: (search: Record<string, unknown>): MailingsSearch => ({
      ...(search.whose === "all" && { whose: "all" }),
      ...(typeof search.view === "string" && { view: search.view }),
      ...(search.ask === true && { ask: true }),
    }),
    component: lazyRouteComponent(() => import("./MailingsPage"), "MailingsPage"),
  }),
] as const;

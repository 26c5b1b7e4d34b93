import { createRoute, createRouter, redirect } from "@tanstack/react-router";
import { activityRoutes } from "./activity/routes";
import { bulkRoutes } from "./bulk/routes";
import { campaignsRoutes } from "./campaigns/routes";
import { dncRoutes } from "./dnc/routes";
import { eventsRoutes } from "./events/routes";
import { exportRoutes } from "./exports/routes";
import { importRoutes } from "./imports/routes";
import { leadRoutes } from "./lead/routes";
import { leadsRoutes } from "./leads/routes";
import { mailingRoutes } from "./mailings/routes";
import { organisationRoutes } from "./organisation/routes";
import { Loading } from "./parts/Loading";
import { ProblemAlert } from "./parts/ProblemAlert";
import { pastsRoutes } from "./pasts/routes";
import { poolsRoutes } from "./pools/routes";
import { quarantineRoutes } from "./quarantine/routes";
import { segmentsRoutes } from "./segments/routes";
import { rootRoute } from "./shell/root";
import { workRoutes } from "./work/routes";

const homeRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/leads" });
  },
});

/** Every page; a folder adds its own here. */
export const router = createRouter({
  routeTree: rootRoute.addChildren([
    homeRoute,
    ...leadsRoutes,
    ...bulkRoutes,
    ...activityRoutes,
    ...importRoutes,
    ...leadRoutes,
    ...exportRoutes,
    ...mailingRoutes,
    ...dncRoutes,
    ...quarantineRoutes,
    ...organisationRoutes,
    ...campaignsRoutes,
    ...eventsRoutes,
    ...pastsRoutes,
    ...poolsRoutes,
    ...segmentsRoutes,
    ...workRoutes,
  ]),
  basepath: "/ui",
  defaultPreload: "intent",
  defaultPendingComponent: () => (
    <div className="page">
      <Loading />
    </div>
  ),
  defaultErrorComponent: ({ error, reset }) => (
    <div className="page">
      <ProblemAlert
        error={error instanceof Error ? error : new Error(String(error))}
        retry={reset}
      />
    </div>
  ),
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

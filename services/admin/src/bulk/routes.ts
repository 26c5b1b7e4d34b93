import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

export const bulkRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/bulk-jobs",
    component: lazyRouteComponent(() => import("./BulkJobsPage"), "BulkJobsPage"),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/bulk-jobs/$jobId",
    component: lazyRouteComponent(() => import("./BulkJobPage"), "BulkJobPage"),
  }),
] as const;

import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

export const segmentsRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/segments",
    component: lazyRouteComponent(() => import("./SegmentsPage"), "SegmentsPage"),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/segments/$segmentId",
    component: lazyRouteComponent(() => import("./SegmentPage"), "SegmentPage"),
  }),
] as const;

import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { rootRoute } from "../shell/root";

export const campaignsRoutes = [
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/campaigns",
    component: lazyRouteComponent(() => import("./CampaignsPage"), "CampaignsPage"),
  }),
  createRoute({
    getParentRoute: () => rootRoute,
    path: "/campaigns/$campaignId",
    component: lazyRouteComponent(() => import("./CampaignPage"), "CampaignPage"),
  }),
] as const;

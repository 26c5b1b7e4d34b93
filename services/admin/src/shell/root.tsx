import { createRootRoute } from "@tanstack/react-router";
import { EmptyState } from "../parts/EmptyState";
import { Shell } from "./Shell";

/** The frame of all pages. Each folder hangs its own below it, in its `routes.ts`. */
export const rootRoute = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <div className="page">
      <EmptyState title="There is no such page">Choose one from the menu.</EmptyState>
    </div>
  ),
});

import { Badge } from "@mantine/core";
import { worded } from "./figures";

const COLOURS: Record<string, string> = {
  open: "blue",
  planned: "blue",
  active: "teal",
  requested: "blue",
  running: "indigo",
  planning: "indigo",
  executing: "indigo",
  undoing: "indigo",
  cancelling: "orange",
  finished: "green",
  done: "green",
  reprocessed: "green",
  mended: "teal",
  failed: "red",
  stalled: "red",
  paused: "yellow",
};

/** The state of a job by a word and a colour. */
export function StateBadge({ state, label }: { state: string; label?: string }) {
  return (
    <Badge color={COLOURS[state] ?? "gray"} variant="dot" size="sm" radius="sm" tt="none">
      {label ?? worded(state)}
    </Badge>
  );
}

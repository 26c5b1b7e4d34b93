import { CloseButton, Group, Text } from "@mantine/core";
import type { Tree } from "./filter/tree";
import { Breakdown } from "./grid/Breakdown";
import type { LeadColumn } from "./grid/values";

const TOP = 40;

/** One column looked at alone: how the leads spread over it, beside their rows. */
export function FocusPanel({
  column,
  filter,
  onPick,
  onEnd,
}: {
  column: LeadColumn;
  filter: Tree | null;
  onPick: (condition: Tree) => void;
  onEnd: () => void;
}) {
  return (
    <section className="focus-panel" aria-label={`Focus on ${column.label}`}>
      <Group justify="space-between" mb="xs" wrap="nowrap">
        <Text size="xs" c="dimmed">
          Focus
        </Text>
        <CloseButton size="sm" aria-label="End the focus" onClick={onEnd} />
      </Group>
      <Breakdown column={column} filter={filter} top={TOP} onPick={onPick} />
    </section>
  );
}

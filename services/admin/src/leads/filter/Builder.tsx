import { Button, Drawer, Group, Stack } from "@mantine/core";
import { useEffect } from "react";
import { DraftEditor, DraftStatus } from "./DraftEditor";
import type { Tree } from "./tree";
import { useDraft } from "./useDraft";
import type { Labels } from "./useLabels";

interface Building {
  tree: Tree | null;
  /** A field to ask for at once, null for none. */
  asking: string | null;
  labels: Labels;
  onApply: (tree: Tree | null) => void;
  onClose: () => void;
}

/**
 * The whole filter as a tree and as text, told at once how many leads it finds or what is wrong
 * with which condition. Nothing is shown by it until it is applied.
 */
export function Builder({ opened, ...building }: Building & { opened: boolean }) {
  return (
    <Drawer
      opened={opened}
      onClose={building.onClose}
      position="right"
      size={720}
      title="Filter"
      padding="md"
    >
      {opened && <Inside {...building} />}
    </Drawer>
  );
}

function Inside({ tree, asking, labels, onApply, onClose }: Building) {
  const draft = useDraft(tree, asking, labels);
  useEffect(() => {
    if (asking !== null) document.querySelector<HTMLElement>(".node:last-of-type input")?.focus();
  }, [asking]);
  const apply = () => {
    onApply(draft.asked);
    onClose();
  };
  return (
    <Stack gap="md">
      <DraftEditor draft={draft} labels={labels} />
      <Group justify="space-between">
        <DraftStatus draft={draft} />
        <Group gap="xs">
          <Button variant="default" onClick={onClose}>
            Leave as it was
          </Button>
          <Button onClick={apply} disabled={!draft.usable}>
            Show these leads
          </Button>
        </Group>
      </Group>
    </Stack>
  );
}

import { Drawer, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { type CommandSpec, commandLabel } from "../api/commands";
import type { Tree } from "../leads/filter/tree";
import type { Selection } from "../leads/selection";
import { CommandForm } from "../parts/command/CommandForm";
import { JobPanel } from "./JobPanel";
import { planJob } from "./jobs";

/** One command on the chosen leads: its form, then the plan, then what became of it. */
export function BulkDrawer({
  command,
  selection,
  filter,
  counted,
  campaignId,
  onClose,
}: {
  command: CommandSpec;
  selection: Selection;
  filter: Tree | null;
  /** How many leads are chosen, in words: it may be an estimate. */
  counted: string;
  campaignId: string | null;
  onClose: () => void;
}) {
  const [job, setJob] = useState<string | null>(null);
  const plan = useMutation({ mutationFn: planJob, onSuccess: (made) => setJob(made.id) });
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size={760}
      padding="md"
      title={`${commandLabel(command.name)}: ${counted}`}
    >
      {job !== null ? (
        <JobPanel key={job} id={job} onJob={setJob} />
      ) : (
        <Stack>
          <Text size="sm" c="dimmed">
            {command.summary} Nothing is changed yet: the plan tells for each lead what would
            happen.
          </Text>
          <CommandForm
            command={command}
            submitLabel={`Plan for ${counted}`}
            pending={plan.isPending}
            error={plan.error}
            campaignId={campaignId}
            onSubmit={(fields) => plan.mutate({ selection, filter, command: command.name, fields })}
            onCancel={onClose}
          />
        </Stack>
      )}
    </Drawer>
  );
}

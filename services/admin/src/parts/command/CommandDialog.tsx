import { Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "../../api/client";
import { type CommandSpec, commandLabel, commandNamed } from "../../api/commands";
import { CommandForm } from "./CommandForm";
import { isMoved, MovedElse, MovedLead } from "./Moved";
import { type Target, useOrders } from "./sending";
import { fieldsOf } from "./shapes";

const FOR_GOOD: Record<string, string> = {
  AnonymiseLead: "What the lead says of a person is erased for good. Its row and its calls stay.",
  DeleteLead: "What the lead says of a person is erased for good. The facts of its calls stay.",
  DeleteUnprocessed: "The lead is erased for good, if nobody has worked on it.",
  EraseNumber: "Every lead with this number loses it, for good, and so do files that wait.",
};

/** A command that is about to be given. */
export interface CommandDialogProps {
  command: string;
  target: Target;
  initial?: Record<string, unknown>;
  /** Fields of `initial` that are sent as they are and not asked for. */
  given?: readonly string[];
  /** What the dialog is called, where the command's own name does not do. */
  title?: string;
  onClose(): void;
  onDone?(answer: Schemas["CommandAnswer"]): void;
}

/**
 * Asks for what a command needs and sends it with the version one has seen. When somebody else was
 * faster it shows what they changed. What cannot be taken back asks for a word first.
 */
export function CommandDialog(props: CommandDialogProps) {
  const { target, onClose } = props;
  const command = commandNamed(props.command);
  const order = useOrders();
  const [typed, setTyped] = useState("");
  const [wordMissing, setWordMissing] = useState(false);
  // The version that was seen when the dialog opened: what comes while one types is a change.
  const [seen, setSeen] = useState(target.version);
  const [movedSince, setMovedSince] = useState<number | null>(null);
  const queries = useQueryClient();
  const sending = useMutation({
    mutationFn: ({ body, version }: { body: Record<string, unknown>; version?: number }) =>
      order({ name: command.name, body }, { ...target, ...(version !== undefined && { version }) }),
    onSuccess: (answer) => {
      props.onDone?.(answer);
      onClose();
    },
    onError: (error, { version }) => {
      if (!isMoved(error)) return;
      setMovedSince(version ?? null);
      queries.invalidateQueries();
    },
  });
  const warning = FOR_GOOD[command.name];
  const word = target.before !== undefined && target.name !== "" ? target.name : "erase";
  const label = props.title ?? commandLabel(command.name);
  const submit = (body: Record<string, unknown>) => {
    if (warning !== undefined && typed.trim() !== word && typed.trim() !== "erase") {
      setWordMissing(true);
      return;
    }
    sending.mutate({ body, ...(seen !== undefined && { version: seen }) });
  };
  return (
    <Modal
      opened
      onClose={onClose}
      title={
        <Group gap={6}>
          <Text fw={600}>{label}</Text>
          <Text c="dimmed" truncate maw={320}>
            {target.name}
          </Text>
        </Group>
      }
      size={isWide(command) ? "xl" : "md"}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {[command.summary, command.description].filter(Boolean).join(" ").replaceAll("`", "")}
        </Text>
        {movedSince !== null &&
          (command.path.startsWith("/v1/leads/") && target.id !== undefined ? (
            <MovedLead key={movedSince} leadId={target.id} since={movedSince} onSeen={setSeen} />
          ) : (
            <MovedElse now={target.version} since={movedSince} onSeen={setSeen} />
          ))}
        {warning !== undefined && (
          <TextInput
            label={`${warning} Type ${word === "erase" ? "erase" : `"${word}" or erase`} to go on.`}
            value={typed}
            autoComplete="off"
            error={wordMissing ? "Type it first." : undefined}
            onChange={(event) => {
              setTyped(event.currentTarget.value);
              setWordMissing(false);
            }}
          />
        )}
        <CommandForm
          command={command}
          {...(props.initial !== undefined && { initial: props.initial })}
          {...(props.given !== undefined && { given: props.given })}
          campaignId={target.campaignId ?? null}
          submitLabel={movedSince === null ? label : `${label} all the same`}
          pending={sending.isPending}
          error={isMoved(sending.error) ? null : sending.error}
          onSubmit={submit}
          onCancel={onClose}
        />
      </Stack>
    </Modal>
  );
}

const FIELDS_MAX = 8;

/** Whether a form needs room: for many fields, or for a filter. */
function isWide(command: CommandSpec): boolean {
  const shapes = fieldsOf(command);
  return shapes.length > FIELDS_MAX || shapes.some((shape) => shape.meaning === "filter");
}

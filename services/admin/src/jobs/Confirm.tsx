import { Button, type ButtonProps, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useState } from "react";
import { ProblemAlert } from "../parts/ProblemAlert";

/** What a button asks before it does something. */
export interface Confirming {
  title: string;
  /** What will happen, with the real count or name. */
  children: ReactNode;
  /** What the button of the dialog says: the deed, not "OK". */
  deed: string;
  run: () => Promise<unknown>;
  danger?: boolean;
  /** A text that must be typed first, for what cannot be taken back. */
  typed?: string;
  ready?: boolean;
}

/** A dialog that does something once one has said yes; a refusal is shown in it. */
export function ConfirmDialog(props: Confirming & { onClose: () => void }) {
  const [typed, setTyped] = useState("");
  const [running, setRunning] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const may = (props.typed === undefined || typed.trim() === props.typed) && props.ready !== false;
  const run = async () => {
    if (!may || running) return;
    setRunning(true);
    setError(null);
    try {
      await props.run();
      props.onClose();
    } catch (problem) {
      setError(problem instanceof Error ? problem : new Error(String(problem)));
    } finally {
      setRunning(false);
    }
  };
  return (
    <Modal opened onClose={props.onClose} title={props.title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run();
        }}
      >
        <Stack gap="md">
          {props.children}
          {props.typed !== undefined && (
            <TextInput
              label={`Type ${props.typed} to go on`}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              autoComplete="off"
            />
          )}
          {error !== null && <ProblemAlert error={error} />}
          <Group justify="end" gap="sm">
            <Button variant="default" onClick={props.onClose}>
              Back
            </Button>
            <Button
              type="submit"
              color={props.danger ? "red" : "indigo"}
              loading={running}
              disabled={!may}
            >
              {props.deed}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

/** A button that asks before it does something. */
export function ConfirmButton({
  label,
  button,
  leftSection,
  ...asking
}: Confirming & { label: string; button?: ButtonProps; leftSection?: ReactNode }) {
  const [open, { open: show, close }] = useDisclosure(false);
  return (
    <>
      <Button
        variant="default"
        {...button}
        leftSection={leftSection}
        onClick={(event) => {
          event.stopPropagation();
          show();
        }}
      >
        {label}
      </Button>
      {open && <ConfirmDialog {...asking} onClose={close} />}
    </>
  );
}

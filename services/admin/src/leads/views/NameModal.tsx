import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { ProblemAlert } from "../../parts/ProblemAlert";

/** Asks for a name, then does what `label` says. */
export function NameModal({
  title,
  label,
  initial,
  pending,
  error,
  onSubmit,
  onClose,
}: {
  title: string;
  label: string;
  initial: string;
  pending: boolean;
  error: Error | null;
  onSubmit: (name: string) => void;
  onClose: () => void;
}) {
  const [name, setName] = useState(initial);
  return (
    <Modal opened onClose={onClose} title={title} size="sm">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== "") onSubmit(name.trim());
        }}
      >
        <Stack>
          <TextInput
            label="Name of the view"
            value={name}
            maxLength={200}
            data-autofocus
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {error !== null && <ProblemAlert error={error} />}
          <Group justify="end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={pending} disabled={name.trim() === ""}>
              {label}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

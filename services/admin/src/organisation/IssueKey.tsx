import {
  Alert,
  Button,
  Code,
  CopyButton,
  Group,
  Modal,
  Select,
  Stack,
  TextInput,
} from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { useCommand } from "../api/commands";
import { useOrganisation } from "../api/queries";
import { ProblemAlert } from "../parts/ProblemAlert";
import { makeKey } from "./newKey";

/** Issues an API key. It is made in the browser and shown once; the service gets its hash. */
export function IssueKey() {
  const [open, { open: show, close }] = useDisclosure(false);
  return (
    <>
      <Button onClick={show}>Issue a key</Button>
      {open && (
        <Modal opened onClose={close} title="Issue an API key" closeOnClickOutside={false}>
          <Issuing onClose={close} />
        </Modal>
      )}
    </>
  );
}

function Issuing({ onClose }: { onClose: () => void }) {
  const { data: organisation } = useOrganisation();
  const command = useCommand();
  const [user, setUser] = useState<string | null>(null);
  const [label, setLabel] = useState("");
  const [expires, setExpires] = useState<string | null>(null);
  const [text, setText] = useState<string | null>(null);
  if (text !== null) return <Made text={text} onClose={onClose} />;
  const issue = async () => {
    const key = await makeKey();
    const { key_id, secret_hash } = key;
    await command.mutateAsync({
      name: "IssueApiKey",
      body: {
        user,
        label,
        key_id,
        secret_hash,
        ...(expires !== null && { expires_at: new Date(expires).toISOString() }),
      },
    });
    setText(key.text);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        issue().catch(() => undefined);
      }}
    >
      <Stack gap="md">
        <Select
          label="Acts as"
          description="Whoever holds the key may do all that this user may."
          required
          value={user}
          data={(organisation?.users ?? [])
            .filter((one) => one.active)
            .map((one) => ({ value: one.user_id, label: `${one.name} (${one.role})` }))}
          onChange={setUser}
        />
        <TextInput
          label="Label"
          placeholder="What it is for"
          maxLength={100}
          value={label}
          onChange={(event) => setLabel(event.currentTarget.value)}
        />
        <DateTimePicker
          label="Until"
          description="Empty: no end"
          clearable
          value={expires}
          onChange={setExpires}
        />
        {command.error !== null && <ProblemAlert error={command.error} />}
        <Group justify="end">
          <Button variant="default" onClick={onClose}>
            Back
          </Button>
          <Button type="submit" loading={command.isPending} disabled={user === null}>
            Issue
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Made({ text, onClose }: { text: string; onClose: () => void }) {
  return (
    <Stack gap="md">
      <Alert color="yellow" title="Copy it now">
        It is shown this once. Nobody can show it again, the service neither.
      </Alert>
      <Code block aria-label="The key">
        {text}
      </Code>
      <Group justify="end">
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {copied ? "Copied" : "Copy"}
            </Button>
          )}
        </CopyButton>
        <Button onClick={onClose}>I have it</Button>
      </Group>
    </Stack>
  );
}

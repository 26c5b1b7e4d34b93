import { Anchor, Button, Code, Drawer, Group, Stack, Text, Textarea, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { commandNamed, useCommand } from "../api/commands";
import { useMe, useNames } from "../api/queries";
import { StateBadge } from "../jobs/StateBadge";
import { CommandButton } from "../parts/CommandButton";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { base64, faultOf, laidOut, WHAT_TO_DO } from "./payload";
import { Result } from "./QuarantinePage";
import { type Held, useHeld, useReprocess } from "./queries";

/** One held payload: why, what stood in it, and mending, reprocessing, discarding it. */
export function HeldDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const found = useHeld(id);
  return (
    <Drawer opened onClose={onClose} position="right" size="lg" title="Held payload">
      {found.error !== null && <ProblemAlert error={found.error} retry={() => found.refetch()} />}
      {found.isPending && <Loading lines={6} />}
      {found.data !== undefined && <Shown key={found.data.held.version} one={found.data.held} />}
    </Drawer>
  );
}

function Shown({ one }: { one: Held }) {
  const names = useNames();
  const { data: me } = useMe();
  const may = me !== undefined && commandNamed("MendPayload").roles.includes(me.role);
  const waits = one.state === "open" || one.state === "mended";
  return (
    <Stack gap="sm">
      <Group gap="sm">
        <Text fw={600}>{one.call_id ?? "Without a call id"}</Text>
        <StateBadge state={one.state} />
      </Group>
      <Text size="sm">{one.reason}</Text>
      {waits && (
        <Text size="sm" c="dimmed">
          {WHAT_TO_DO[one.code] ?? "Mend it, discard it, or reprocess it."}
        </Text>
      )}
      <Text size="xs" c="dimmed">
        From {one.source}, held since <Moment at={one.held_at} />
        {one.mended_by !== null && `, mended by ${names.actor(one.mended_by)}`}
        {one.discarded_for !== null && `. Discarded: ${one.discarded_for}`}
      </Text>
      {one.lead_id !== null && (
        <Anchor
          component={Link}
          to="/leads/$leadId"
          params={{ leadId: one.lead_id } as never}
          size="sm"
        >
          The lead it is about
        </Anchor>
      )}
      {one.raw === null ? (
        <Text size="sm" c="dimmed">
          What stood in it is not shown: it was erased, or you may not see numbers.
        </Text>
      ) : waits && may ? (
        <Mending one={one} />
      ) : (
        <Code block>{laidOut(one.mended ?? one.raw)}</Code>
      )}
      {one.mended !== null && one.raw !== null && (
        <>
          <Title order={3}>As it came</Title>
          <Code block>{laidOut(one.raw)}</Code>
        </>
      )}
    </Stack>
  );
}

function Mending({ one }: { one: Held }) {
  const before = laidOut(one.mended ?? one.raw ?? "");
  const [text, setText] = useState(before);
  const command = useCommand();
  const again = useReprocess();
  const fault = faultOf(text);
  const id = one.quarantine_id;
  const mend = () =>
    command.mutateAsync({
      name: "MendPayload",
      id,
      version: one.version,
      body: { raw: base64(text) },
    });
  const reprocess = async () => {
    if (text !== before) await mend();
    await again.mutateAsync({ ids: [id] });
  };
  const pending = command.isPending || again.isPending;
  return (
    <>
      <Textarea
        label="Payload"
        autosize
        minRows={8}
        maxRows={26}
        spellCheck={false}
        styles={{ input: { fontFamily: "monospace" } }}
        value={text}
        error={text === before ? null : fault}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {command.error !== null && <ProblemAlert error={command.error} />}
      {again.error !== null && <ProblemAlert error={again.error} />}
      {again.data !== undefined && <Result of={again.data} />}
      <Group>
        <Button
          loading={pending}
          disabled={text !== before && fault !== null}
          onClick={() => reprocess().catch(() => undefined)}
        >
          {text === before ? "Reprocess" : "Mend and reprocess"}
        </Button>
        <Button
          variant="default"
          disabled={text === before || fault !== null || pending}
          onClick={() => mend().catch(() => undefined)}
        >
          Only mend
        </Button>
        <CommandButton
          target={{ id, version: one.version, name: "" }}
          command="DiscardPayload"
          label="Discard"
          button={{ ml: "auto", color: "red", variant: "light" }}
        />
      </Group>
    </>
  );
}

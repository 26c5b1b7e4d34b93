import { ActionIcon, Badge, Button, CopyButton, Group, Switch, Text, Title } from "@mantine/core";
import { IconCheck, IconCopy, IconDots } from "@tabler/icons-react";
import { useState } from "react";
import type { Line } from "../api/activity";
import { useMe, useNames } from "../api/queries";
import { useOrders } from "../parts/command/sending";
import { ProblemAlert } from "../parts/ProblemAlert";
import { StatusBadge } from "../parts/StatusBadge";
import { ActionsMenu } from "./ActionsMenu";
import { BUTTONS, initialOf, offered, shortLabel } from "./actions";
import { leadName, useLeadFrame } from "./frame";
import { usePlaces } from "./queries";

/** Who a lead is, whose, and what one can do with it. */
export function LeadHeader({ line }: { line: Line }) {
  const { lead, open, past } = useLeadFrame();
  const role = useMe().data?.role ?? "";
  const names = useNames();
  const places = usePlaces(lead);
  const groups = past ? [] : offered(role, lead);
  const mine = new Set(groups.flatMap(([, some]) => some.map((one) => one.name)));
  const buttons = BUTTONS.map((name) =>
    name === "Suppress" && lead.suppressed ? "Unsuppress" : name,
  ).filter((name) => mine.has(name));
  return (
    <header className="lead-header">
      <Group gap="sm" wrap="nowrap">
        <Title order={1} className="lead-name" title={leadName(lead)}>
          {leadName(lead)}
        </Title>
        <StatusBadge code={lead.status} />
        {lead.suppressed && (
          <Badge color="red" variant="outline" size="sm" tt="none">
            suppressed
          </Badge>
        )}
        {lead.locked_by && (
          <Badge color="orange" variant="outline" size="sm" tt="none">
            locked by {names.user(lead.locked_by)}
          </Badge>
        )}
        {lead.calling_id && (
          <Badge color="green" variant="outline" size="sm" tt="none">
            being called
          </Badge>
        )}
        <Badge
          color={line === "live" ? "teal" : "gray"}
          variant="dot"
          size="sm"
          tt="none"
          ml="auto"
          role="status"
        >
          {line === "live" ? "follows its changes" : line}
        </Badge>
      </Group>
      <Group gap="xs" mt={2} className="lead-facts">
        {lead.phone && <Phone number={lead.phone} />}
        {lead.email && <Text size="sm">{lead.email}</Text>}
        <Fact name="Owner" value={names.actor(lead.owner)} />
        <Fact name="Campaign" value={places.campaign} />
        <Fact name="Pool" value={places.pool} />
        <Fact name="Segment" value={places.segment} />
        <Fact name="Priority" value={String(lead.priority ?? "")} />
        <Fact name="Version" value={String(lead.version ?? "")} />
      </Group>
      {!past && groups.length > 0 && (
        <Group gap={6} mt="xs">
          {buttons.map((name) => (
            <Button
              key={name}
              size="compact-sm"
              variant="default"
              onClick={() => open({ command: name, initial: initialOf(name, lead) })}
            >
              {shortLabel(name)}
            </Button>
          ))}
          <Menu groups={groups} />
          <ActiveToggle may={mine.has("Activate") || mine.has("Deactivate")} />
        </Group>
      )}
    </header>
  );
}

function Menu({ groups }: { groups: ReturnType<typeof offered> }) {
  const { lead, open } = useLeadFrame();
  return (
    <ActionsMenu
      groups={groups}
      choose={(name) => open({ command: name, initial: initialOf(name, lead) })}
    >
      {(show) => (
        <Button
          size="compact-sm"
          variant="light"
          leftSection={<IconDots size={14} aria-hidden />}
          onClick={show}
        >
          All actions
        </Button>
      )}
    </ActionsMenu>
  );
}

function Fact({ name, value }: { name: string; value: string | null | undefined }) {
  if (!value) return null;
  return (
    <Text size="sm" className="lead-fact">
      <Text span inherit c="dimmed">
        {name}{" "}
      </Text>
      {value}
    </Text>
  );
}

function Phone({ number }: { number: string }) {
  return (
    <Group gap={2} wrap="nowrap">
      <Text size="sm" fw={600} className="number">
        {number}
      </Text>
      <CopyButton value={number}>
        {({ copied, copy }) => (
          <ActionIcon
            size="sm"
            variant="subtle"
            color={copied ? "teal" : "gray"}
            aria-label={copied ? "Copied" : "Copy the number"}
            onClick={copy}
          >
            {copied ? <IconCheck size={13} aria-hidden /> : <IconCopy size={13} aria-hidden />}
          </ActionIcon>
        )}
      </CopyButton>
    </Group>
  );
}

function ActiveToggle({ may }: { may: boolean }) {
  const { lead, target } = useLeadFrame();
  const order = useOrders();
  const [error, setError] = useState<Error | null>(null);
  const [busy, setBusy] = useState(false);
  const turn = async () => {
    setBusy(true);
    setError(null);
    try {
      await order({ name: lead.active ? "Deactivate" : "Activate", body: {} }, target);
    } catch (problem) {
      setError(problem instanceof Error ? problem : new Error(String(problem)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Switch
        ml="sm"
        size="sm"
        label={lead.active ? "Active" : "Not active"}
        checked={lead.active === true}
        disabled={!may || busy}
        onChange={turn}
      />
      {error !== null && <ProblemAlert error={error} />}
    </>
  );
}

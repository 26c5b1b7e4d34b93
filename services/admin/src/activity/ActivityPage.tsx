import { Badge, Button, Group, Select, Table, Text, Title } from "@mantine/core";
import { IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { type Happening, type Line, useActivity } from "../api/activity";
import { useCampaigns, useNames } from "../api/queries";
import { EmptyState } from "../parts/EmptyState";
import { kindLabel } from "../parts/kinds";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { StatusBadge } from "../parts/StatusBadge";
import { WATCHED_KINDS } from "./kinds";

const SHOWN_MAX = 500;
const route = getRouteApi("/activity");

const LINES: Record<Line, { colour: string; text: string }> = {
  live: { colour: "teal", text: "live" },
  connecting: { colour: "yellow", text: "connecting" },
  paused: { colour: "gray", text: "paused" },
  ended: { colour: "red", text: "ended" },
};

/** What happens to the leads in sight, as it happens, newest first. */
export function ActivityPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [running, setRunning] = useState(true);
  const [shown, setShown] = useState<Happening[]>([]);
  const [heard, setHeard] = useState(0);
  const campaigns = useCampaigns();
  const query = new URLSearchParams({
    ...(search.kind && { kind: search.kind }),
    ...(search.campaign && { campaign: search.campaign }),
  }).toString();
  const { line, error } = useActivity(query, running, (happenings) => {
    setHeard((count) => count + happenings.length);
    setShown((before) => [...happenings.toReversed(), ...before].slice(0, SHOWN_MAX));
  });
  const ask = (change: { kind?: string; campaign?: string }) => {
    setShown([]);
    setHeard(0);
    navigate({ search: change, replace: true });
  };
  return (
    <div className="page">
      <Group mb="md" align="end">
        <Title order={1}>Activity</Title>
        <Badge color={LINES[line].colour} variant="dot" tt="none" role="status">
          {LINES[line].text}
        </Badge>
        <Text size="sm" c="dimmed">
          {heard > SHOWN_MAX ? `${heard} heard, the last ${SHOWN_MAX} shown` : `${heard} heard`}
        </Text>
        <Group ml="auto" gap="sm">
          <Select
            aria-label="Kind of event"
            placeholder="All kinds"
            clearable
            w={200}
            value={search.kind ?? null}
            data={WATCHED_KINDS.map((kind) => ({ value: kind, label: kindLabel(kind) }))}
            onChange={(kind) => ask({ ...search, kind: kind ?? "" })}
          />
          <Select
            aria-label="Campaign"
            placeholder="All campaigns"
            clearable
            w={220}
            value={search.campaign ?? null}
            data={(campaigns.data?.campaigns ?? []).map((one) => ({
              value: one.campaign_id,
              label: one.name,
            }))}
            onChange={(campaign) => ask({ ...search, campaign: campaign ?? "" })}
          />
          <Button
            variant="default"
            leftSection={running ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
            onClick={() => setRunning(!running)}
          >
            {running ? "Pause" : "Go on"}
          </Button>
        </Group>
      </Group>
      {error !== null && <ProblemAlert error={error} />}
      {shown.length === 0 ? (
        <EmptyState title="Nothing has happened yet">
          Calls, changes and messages of the leads you see appear here as they happen.
        </EmptyState>
      ) : (
        <Happenings happenings={shown} />
      )}
    </div>
  );
}

function Happenings({ happenings }: { happenings: Happening[] }) {
  const names = useNames();
  return (
    <Table highlightOnHover verticalSpacing={6} stickyHeader>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>When</Table.Th>
          <Table.Th>What</Table.Th>
          <Table.Th>Lead</Table.Th>
          <Table.Th>Status now</Table.Th>
          <Table.Th>Who</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {happenings.map((one) => (
          <Table.Tr key={one.position}>
            <Table.Td>
              <Moment at={one.happened_at} />
            </Table.Td>
            <Table.Td>{kindLabel(one.kind)}</Table.Td>
            <Table.Td>
              <Link to="/activity" className="number">
                {one.lead_id.slice(0, 8)} · {one.version}
              </Link>
            </Table.Td>
            <Table.Td>
              <StatusBadge code={one.status} />
            </Table.Td>
            <Table.Td>{names.actor(one.actor)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

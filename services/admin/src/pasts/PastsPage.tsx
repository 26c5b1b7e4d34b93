import { Anchor, Badge, Button, Card, Group, Progress, Table, Text } from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, data, type Schemas } from "../api/client";
import { useNames } from "../api/queries";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { Moment, ZONE } from "../parts/Moment";
import { count } from "../parts/numbers";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";
import { PAST_STATES, unfinished } from "./states";

const LOOK_AGAIN_MS = 2_000;
/** Moments that are often asked for, as the service reads them. */
const SOON_SAID = [
  { label: "Now", asOf: "now" },
  { label: "An hour ago", asOf: "now-1h" },
  { label: "This midnight", asOf: `today@${ZONE}` },
  { label: "A week ago", asOf: "now-7d" },
] as const;

/** Lists as they were at a moment: ask for one, see those that are being built or stand ready. */
export function PastsPage() {
  const pasts = useQuery({
    queryKey: ["pasts"],
    queryFn: () => data(api.GET("/v1/pasts", {})),
    refetchInterval: (query) => (query.state.data?.pasts.some(unfinished) ? LOOK_AGAIN_MS : false),
  });
  return (
    <div className="page">
      <PageHead title="Looking back" />
      <AskForPast />
      {pasts.error && <ProblemAlert error={pasts.error} retry={() => pasts.refetch()} />}
      {pasts.isPending && <Loading lines={4} />}
      {pasts.data?.pasts.length === 0 && (
        <EmptyState title="No list was asked for yet">
          Say a moment above. All leads are built up again from the log as they were then; you can
          search them, count them and see how they spread, and nothing of today changes.
        </EmptyState>
      )}
      {pasts.data !== undefined && pasts.data.pasts.length > 0 && (
        <PastTable pasts={pasts.data.pasts} />
      )}
    </div>
  );
}

function AskForPast() {
  const [moment, setMoment] = useState<string | null>(null);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const ask = useMutation({
    mutationFn: (asOf: string) => data(api.POST("/v1/pasts", { body: { as_of: asOf } as never })),
    onSuccess: (made) => {
      queries.invalidateQueries({ queryKey: ["pasts"] });
      navigate({ to: `/pasts/${(made as Schemas["PastAnswer"]).past.id}` as string });
    },
  });
  return (
    <Card withBorder padding="md" mb="md">
      <Group align="end">
        <DateTimePicker
          label="All leads as they were at"
          description="By your clock. What was learned later is left out."
          w={300}
          value={moment}
          onChange={setMoment}
          valueFormat="YYYY-MM-DD HH:mm"
          maxDate={new Date()}
          clearable
        />
        <Button
          disabled={moment === null}
          loading={ask.isPending}
          onClick={() => moment !== null && ask.mutate(new Date(moment).toISOString())}
        >
          Build that list
        </Button>
        {SOON_SAID.map(({ label, asOf }) => (
          <Button key={asOf} variant="default" onClick={() => ask.mutate(asOf)}>
            {label}
          </Button>
        ))}
        <Text size="sm" c="dimmed" maw={420}>
          One lead alone is quicker: open its page and choose a version or a time there.
        </Text>
      </Group>
      {ask.error && (
        <div style={{ marginTop: 12 }}>
          <ProblemAlert error={ask.error} />
        </div>
      )}
    </Card>
  );
}

function PastTable({ pasts }: { pasts: Schemas["PastShown"][] }) {
  const names = useNames();
  return (
    <Table highlightOnHover verticalSpacing={6} aria-label="Lists as they were">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>As of</Table.Th>
          <Table.Th>State</Table.Th>
          <Table.Th>Progress</Table.Th>
          <Table.Th ta="right">Leads</Table.Th>
          <Table.Th>Asked by</Table.Th>
          <Table.Th>There until</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {pasts.map((past) => (
          <Table.Tr key={past.id}>
            <Table.Td>
              <Anchor component={Link} to={`/pasts/${past.id}` as string} size="sm">
                <Moment at={past.moment} />
              </Anchor>{" "}
              <Text span size="xs" c="dimmed">
                position {count(past.as_of)}
              </Text>
            </Table.Td>
            <Table.Td>
              <Badge color={PAST_STATES[past.state].colour} variant="light" tt="none">
                {PAST_STATES[past.state].text}
              </Badge>
            </Table.Td>
            <Table.Td w={160}>
              {unfinished(past) && (
                <Progress
                  value={
                    past.progress.of === 0 ? 0 : (100 * past.progress.events) / past.progress.of
                  }
                  aria-label="Events folded"
                />
              )}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {past.state === "ready" ? count(past.leads) : ""}
            </Table.Td>
            <Table.Td>{names.user(past.made_by)}</Table.Td>
            <Table.Td>
              <Moment at={past.ends_at} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

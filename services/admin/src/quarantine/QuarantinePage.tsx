import { Alert, Button, Group, SegmentedControl, Select, Table, Text, Title } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { commandNamed } from "../api/commands";
import { useMe } from "../api/queries";
import { figure, many, worded } from "../jobs/figures";
import { ShowMore } from "../jobs/ShowMore";
import { StateBadge } from "../jobs/StateBadge";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { HeldDrawer } from "./HeldDrawer";
import { WHAT_TO_DO } from "./payload";
import { type Held, type Reprocessed, useQuarantine, useReprocess } from "./queries";
import { HELD_STATES, type QuarantineSearch } from "./routes";

const route = getRouteApi("/quarantine");

/** Calls that could not be taken in: why, and what one can do about them. */
export function QuarantinePage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data: me } = useMe();
  const held = useQuarantine(search);
  const again = useReprocess();
  const all = held.data?.pages.flatMap((page) => page.held) ?? [];
  const { state, code } = search;
  const go = (next: QuarantineSearch) => navigate({ search: next, replace: true });
  const may = me !== undefined && commandNamed("DiscardPayload").roles.includes(me.role);
  return (
    <div className="page">
      <Group mb="md">
        <Title order={1}>Quarantine</Title>
        <SegmentedControl
          size="xs"
          aria-label="State"
          value={state ?? ""}
          data={[
            { value: "", label: "All" },
            ...HELD_STATES.map((one) => ({ value: one, label: worded(one) })),
          ]}
          onChange={(value) => {
            const chosen = HELD_STATES.find((one) => one === value);
            go({
              ...(code !== undefined && { code }),
              ...(chosen !== undefined && { state: chosen }),
            });
          }}
        />
        <Select
          size="xs"
          aria-label="Reason"
          placeholder="Any reason"
          clearable
          w={220}
          value={code ?? null}
          data={Object.keys(WHAT_TO_DO).map((one) => ({ value: one, label: worded(one) }))}
          onChange={(value) =>
            go({
              ...(state !== undefined && { state }),
              ...(value !== null && { code: value }),
            })
          }
        />
        {may && code !== undefined && (
          <Button
            ml="auto"
            variant="default"
            loading={again.isPending}
            onClick={() => again.mutate({ code })}
          >
            Reprocess all that wait for this reason
          </Button>
        )}
      </Group>
      {again.error !== null && <ProblemAlert error={again.error} />}
      {again.data !== undefined && <Result of={again.data} />}
      {held.error !== null && <ProblemAlert error={held.error} retry={() => held.refetch()} />}
      {held.isPending && <Loading lines={8} />}
      {held.data !== undefined && all.length === 0 && (
        <EmptyState title="Nothing is held here">
          A call that cannot be taken in is kept here, byte for byte, with the reason.
        </EmptyState>
      )}
      {all.length > 0 && (
        <HeldTable
          held={all}
          chosen={search.held}
          onChoose={(id) => navigate({ search: { ...search, held: id } })}
        />
      )}
      <ShowMore of={held} />
      {search.held !== undefined && (
        <HeldDrawer
          key={search.held}
          id={search.held}
          onClose={() =>
            navigate({
              search: {
                ...(state !== undefined && { state }),
                ...(code !== undefined && { code }),
              },
            })
          }
        />
      )}
    </div>
  );
}

/** What became of payloads that were tried again, in a sentence. */
export function Result({ of }: { of: Reprocessed }) {
  const held = of.items.find((item) => item.outcome === "quarantined");
  return (
    <Alert color={of.quarantined > 0 ? "yellow" : "green"} mb="md" role="status">
      <Text size="sm">
        {figure(of.taken_in)} taken in, {figure(of.quarantined)} still held
        {of.skipped.length > 0 && `, ${many(of.skipped.length, "one", "ones")} skipped`}
        {of.more && ". More still wait: reprocess again"}.
        {held?.detail !== undefined && ` ${held.detail}`}
      </Text>
    </Alert>
  );
}

function HeldTable(props: {
  held: readonly Held[];
  chosen: string | undefined;
  onChoose: (id: string) => void;
}) {
  return (
    <Table verticalSpacing={6} highlightOnHover stickyHeader>
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={190}>Held since</Table.Th>
          <Table.Th w={130}>State</Table.Th>
          <Table.Th>Call</Table.Th>
          <Table.Th>Why</Table.Th>
          <Table.Th>From</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {props.held.map((one) => (
          <Table.Tr
            key={one.quarantine_id}
            style={{ cursor: "pointer" }}
            {...(one.quarantine_id === props.chosen && {
              bg: "var(--mantine-color-default-hover)",
            })}
            onClick={() => props.onChoose(one.quarantine_id)}
          >
            <Table.Td>
              <Moment at={one.held_at} />
            </Table.Td>
            <Table.Td>
              <StateBadge state={one.state} />
            </Table.Td>
            <Table.Td>
              <Button
                variant="transparent"
                size="compact-sm"
                px={0}
                onClick={() => props.onChoose(one.quarantine_id)}
              >
                {one.call_id ?? "no call id"}
              </Button>
            </Table.Td>
            <Table.Td>
              {one.reason}
              <Text size="xs" c="dimmed">
                {worded(one.code)}
              </Text>
            </Table.Td>
            <Table.Td className="number">{one.source}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

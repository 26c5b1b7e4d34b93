import { Badge, Group, SegmentedControl, Table } from "@mantine/core";
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { useNames } from "../api/queries";
import { CommandButton } from "../parts/CommandButton";
import { EmptyState } from "../parts/EmptyState";
import { LeadLink } from "../parts/LeadLink";
import { Loading } from "../parts/Loading";
import { Moment, ZONE } from "../parts/Moment";
import { MoreButton } from "../parts/MoreButton";
import { count } from "../parts/numbers";
import { ProblemAlert } from "../parts/ProblemAlert";
import { StatusBadge } from "../parts/StatusBadge";
import { shownLead } from "./lead";
import { WHEN, type WorkSearch } from "./routes";

type When = (typeof WHEN)[number];
const LABELS: Record<When, string> = {
  due: "Due by today",
  overdue: "Overdue",
  today: "Today",
  later: "Later",
  any: "All",
};

/** Callbacks, the earliest first, with how many each agent has. */
export function CallbackList(props: { search: WorkSearch; onWhen: (when: When) => void }) {
  const { agent, campaign, when = "due" } = props.search;
  const callbacks = useInfiniteQuery({
    queryKey: ["callbacks", agent, campaign, when],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/callbacks", {
          params: {
            query: {
              min_position: minPosition(),
              when,
              zone: ZONE,
              ...(agent && { agent }),
              ...(campaign && { campaign }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
  });
  const rows = callbacks.data?.pages.flatMap((page) => page.callbacks) ?? [];
  return (
    <>
      <SegmentedControl
        aria-label="When"
        size="xs"
        mb="sm"
        value={when}
        data={WHEN.map((one) => ({ value: one, label: LABELS[one] }))}
        onChange={(value) => props.onWhen(value as When)}
      />
      {callbacks.error && (
        <ProblemAlert error={callbacks.error} retry={() => callbacks.refetch()} />
      )}
      {callbacks.isPending && <Loading lines={6} />}
      {callbacks.data && <ByAgent agents={callbacks.data.pages[0]?.agents ?? []} />}
      {callbacks.isSuccess && rows.length === 0 && (
        <EmptyState title="No callbacks here">
          Set one on a lead's page; it appears here at once.
        </EmptyState>
      )}
      {rows.length > 0 && <Rows callbacks={rows} />}
      <MoreButton
        more={callbacks.hasNextPage}
        loading={callbacks.isFetchingNextPage}
        onMore={() => callbacks.fetchNextPage()}
      />
    </>
  );
}

function ByAgent({ agents }: { agents: Schemas["CallbackNumbers"][] }) {
  const names = useNames();
  return (
    <Group gap="xs" mb="xs">
      {agents.map((one) => (
        <Badge
          key={one.agent ?? ""}
          variant="light"
          color={one.overdue > 0 ? "red" : "blue"}
          tt="none"
        >
          {`${one.agent === null ? "anybody" : names.user(one.agent)}: `}
          {count(one.overdue)} overdue, {count(one.today)} today, {count(one.later)} later
        </Badge>
      ))}
    </Group>
  );
}

function Rows({ callbacks }: { callbacks: Schemas["Callback"][] }) {
  const names = useNames();
  return (
    <Table highlightOnHover verticalSpacing={6} stickyHeader aria-label="Callbacks">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>At</Table.Th>
          <Table.Th>Lead</Table.Th>
          <Table.Th>Number</Table.Th>
          <Table.Th>Status</Table.Th>
          <Table.Th>By</Table.Th>
          <Table.Th />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {callbacks.map((callback) => {
          const lead = shownLead(callback.lead);
          return (
            <Table.Tr key={lead.lead_id}>
              <Table.Td>
                <Moment at={callback.at} />{" "}
                {callback.overdue && (
                  <Badge size="xs" color="red" tt="none">
                    overdue
                  </Badge>
                )}
              </Table.Td>
              <Table.Td>
                <LeadLink id={lead.lead_id} name={lead.name} />
              </Table.Td>
              <Table.Td className="number">{lead.phone}</Table.Td>
              <Table.Td>
                <StatusBadge code={lead.status} />
              </Table.Td>
              <Table.Td>
                {callback.agent === null ? "anybody" : names.user(callback.agent)}
              </Table.Td>
              <Table.Td ta="right">
                <CommandButton
                  command="CancelCallback"
                  label="Cancel"
                  target={{ id: lead.lead_id, name: lead.name ?? "" }}
                  button={{ variant: "subtle" }}
                />
              </Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}

import { Badge, Group, Table, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { api, data } from "../api/client";
import { minPosition } from "../api/lag";
import { EmptyState } from "../parts/EmptyState";
import { LeadLink } from "../parts/LeadLink";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { MoreButton } from "../parts/MoreButton";
import { count } from "../parts/numbers";
import { ProblemAlert } from "../parts/ProblemAlert";
import { StatusBadge } from "../parts/StatusBadge";
import { shownLead } from "./lead";

const REASONS: Record<string, string> = {
  callback: "callback",
  reserved: "reserved",
  redial: "private or VIP redial",
  unresolved: "unresolved",
  locked: "locked",
};

/** The leads that wait for an agent, what is due first on top. */
export function TaskList({ agent }: { agent: string | undefined }) {
  const tasks = useInfiniteQuery({
    queryKey: ["worklist", agent],
    queryFn: ({ pageParam }) =>
      data(
        api.GET("/v1/worklist", {
          params: {
            query: {
              min_position: minPosition(),
              ...(agent && { agent }),
              ...(pageParam && { cursor: pageParam }),
            },
          },
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
  });
  if (tasks.error) return <ProblemAlert error={tasks.error} retry={() => tasks.refetch()} />;
  if (tasks.data === undefined) return <Loading lines={6} />;
  const rows = tasks.data.pages.flatMap((page) => page.tasks);
  const counts = tasks.data.pages[0]?.counts ?? {};
  if (rows.length === 0) {
    return (
      <EmptyState title="Nothing waits">
        Callbacks, reserved and locked leads, own redials and unresolved sessions appear here.
      </EmptyState>
    );
  }
  return (
    <>
      <Group gap="xs" mb="xs">
        {Object.entries(counts)
          .filter(([, number]) => number > 0)
          .map(([reason, number]) => (
            <Badge key={reason} variant="light" tt="none">
              {count(number)} {REASONS[reason] ?? reason}
            </Badge>
          ))}
      </Group>
      <Table highlightOnHover verticalSpacing={6} stickyHeader aria-label="Waiting leads">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Due</Table.Th>
            <Table.Th>Lead</Table.Th>
            <Table.Th>Number</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((task) => {
            const lead = shownLead(task.lead);
            return (
              <Table.Tr key={lead.lead_id}>
                <Table.Td>
                  {task.due === null ? "any time" : <Moment at={task.due} />}{" "}
                  {task.overdue && (
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
                  <Text size="sm">
                    {task.reasons.map((reason) => REASONS[reason] ?? reason).join(", ")}
                  </Text>
                </Table.Td>
              </Table.Tr>
            );
          })}
        </Table.Tbody>
      </Table>
      <MoreButton
        more={tasks.hasNextPage}
        loading={tasks.isFetchingNextPage}
        onMore={() => tasks.fetchNextPage()}
      />
    </>
  );
}

import { Anchor, Badge, Table } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { useNames } from "../api/queries";
import { CommandButton } from "../parts/CommandButton";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { count, counted, share } from "../parts/numbers";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";

/** The segments: which leads, for which agents, how far. */
export function SegmentsPage() {
  const segments = useQuery({
    queryKey: ["segments"],
    queryFn: () =>
      data(api.GET("/v1/segments", { params: { query: { min_position: minPosition() } } })),
  });
  const rows = segments.data?.segments ?? [];
  return (
    <div className="page">
      <PageHead
        title="Segments"
        actions={
          <CommandButton
            command="CreateSegment"
            label="New segment"
            target={{ name: "" }}
            button={{ leftSection: <IconPlus size={16} aria-hidden /> }}
          />
        }
      />
      {segments.error && <ProblemAlert error={segments.error} retry={() => segments.refetch()} />}
      {segments.isPending && <Loading lines={6} />}
      {segments.isSuccess && rows.length === 0 && (
        <EmptyState title="No segments yet">
          A segment is a set of leads for certain agents: who chooses it when dialling starts gets
          its leads only. A lead is in one segment at most.
        </EmptyState>
      )}
      {rows.length > 0 && <SegmentTable segments={rows} />}
    </div>
  );
}

function SegmentTable({ segments }: { segments: Schemas["Segment"][] }) {
  const names = useNames();
  return (
    <Table highlightOnHover verticalSpacing={6} stickyHeader>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Segment</Table.Th>
          <Table.Th>Agents</Table.Th>
          <Table.Th ta="right">Leads</Table.Th>
          <Table.Th ta="right">Ready</Table.Th>
          <Table.Th ta="right">Open</Table.Th>
          <Table.Th ta="right">Closed</Table.Th>
          <Table.Th>Changed</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {segments.map((segment) => (
          <Table.Tr key={segment.segment_id}>
            <Table.Td>
              <Anchor component={Link} to={`/segments/${segment.segment_id}` as string} size="sm">
                {segment.name}
              </Anchor>{" "}
              {!segment.active && (
                <Badge size="xs" color="gray" tt="none">
                  inactive
                </Badge>
              )}
            </Table.Td>
            <Table.Td>
              {segment.agents.length === 0
                ? "nobody"
                : segment.agents.length <= 3
                  ? segment.agents.map((agent) => names.user(agent)).join(", ")
                  : counted(segment.agents.length, "agent")}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {count(segment.numbers.total)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {count(segment.numbers.ready)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {count(segment.numbers.open)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {share(segment.numbers.closed, segment.numbers.total)}
            </Table.Td>
            <Table.Td>
              <Moment at={segment.changed_at} />
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

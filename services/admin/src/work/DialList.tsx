import { Alert, List, Table, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, data } from "../api/client";
import { minPosition } from "../api/lag";
import { EmptyState } from "../parts/EmptyState";
import { LeadLink } from "../parts/LeadLink";
import { Loading } from "../parts/Loading";
import { ProblemAlert } from "../parts/ProblemAlert";
import { StatusBadge } from "../parts/StatusBadge";
import { shownLead } from "./lead";

const SHOWN = 50;

/** Who is dialled next for an agent, the most urgent first; else why nobody is. */
export function DialList(props: { agent: string | undefined; campaign: string | undefined }) {
  const { agent, campaign } = props;
  const list = useQuery({
    queryKey: ["dial-list", agent, campaign],
    enabled: campaign !== undefined,
    queryFn: () =>
      data(
        api.GET("/v1/dial-list", {
          params: {
            query: {
              min_position: minPosition(),
              limit: SHOWN,
              campaign: campaign ?? "",
              ...(agent && { agent }),
            },
          },
        }),
      ),
    placeholderData: keepPreviousData,
  });
  if (campaign === undefined) {
    return (
      <EmptyState title="Choose a campaign">The dial list is that of one campaign.</EmptyState>
    );
  }
  if (list.error) return <ProblemAlert error={list.error} retry={() => list.refetch()} />;
  if (list.data === undefined) return <Loading lines={6} />;
  const { leads, reasons, left_to_start_call } = list.data;
  if (leads.length === 0) {
    return reasons.length === 0 ? (
      <EmptyState title="Nobody is to be dialled now">
        No lead that this agent may call is ready and due.
      </EmptyState>
    ) : (
      <Alert color="yellow" title="Nobody is dialled now">
        <List size="sm">
          {reasons.map((reason) => (
            <List.Item key={reason.code}>{reason.text}</List.Item>
          ))}
        </List>
      </Alert>
    );
  }
  return (
    <>
      <Table highlightOnHover verticalSpacing={6} stickyHeader aria-label="Dial list">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Lead</Table.Th>
            <Table.Th>Number</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th ta="right">Priority</Table.Th>
            <Table.Th ta="right">Attempts</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {leads.map(shownLead).map((lead) => (
            <Table.Tr key={lead.lead_id}>
              <Table.Td>
                <LeadLink id={lead.lead_id} name={lead.name} />
              </Table.Td>
              <Table.Td className="number">{lead.phone}</Table.Td>
              <Table.Td>
                <StatusBadge code={lead.status} />
              </Table.Td>
              <Table.Td ta="right" className="number">
                {lead.priority}
              </Table.Td>
              <Table.Td ta="right" className="number">
                {lead.call_attempts}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="xs" c="dimmed" mt="xs">
        Looked at once more when the call starts: {left_to_start_call.join("; ")}.
      </Text>
    </>
  );
}

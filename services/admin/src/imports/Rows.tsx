import { Anchor, Button, Group, Table, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { worded } from "../jobs/figures";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useRows } from "./queries";

/** What becomes of each row: its lead, or every reason against it. */
export function Rows(props: {
  id: string;
  step: "plan" | "done" | "undo";
  outcome: string | undefined;
}) {
  const rows = useRows(props.id, props.step, props.outcome);
  if (rows.error !== null) return <ProblemAlert error={rows.error} retry={() => rows.refetch()} />;
  if (rows.data === undefined) return <Loading lines={6} />;
  const all = rows.data.pages.flatMap((page) => page.rows);
  if (all.length === 0) return <EmptyState title="No rows" />;
  return (
    <>
      <Title order={2} mt="lg" mb={4}>
        {props.outcome === undefined ? "Rows" : `Rows: ${props.outcome}`}
      </Title>
      <Table verticalSpacing={4} highlightOnHover stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={80} ta="right">
              Row
            </Table.Th>
            <Table.Th w={110}>Outcome</Table.Th>
            <Table.Th w={130}>Lead</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {all.map((row) => (
            <Table.Tr key={row.row}>
              <Table.Td ta="right" className="number">
                {row.row}
              </Table.Td>
              <Table.Td>{worded(row.outcome)}</Table.Td>
              <Table.Td>
                {row.lead_id !== null && (
                  <Anchor
                    component={Link}
                    to="/leads/$leadId"
                    params={{ leadId: row.lead_id } as never}
                    size="sm"
                    className="number"
                    aria-label={`Lead of row ${row.row}`}
                  >
                    {row.lead_id.slice(-8)}
                  </Anchor>
                )}
              </Table.Td>
              <Table.Td>
                {row.reasons.map((reason) => (
                  <Text key={`${reason.code} ${reason.field} ${reason.detail}`} size="sm">
                    {reason.detail ?? reason.code}
                  </Text>
                ))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {rows.hasNextPage && (
        <Group justify="center" py="md">
          <Button
            variant="default"
            loading={rows.isFetchingNextPage}
            onClick={() => rows.fetchNextPage()}
          >
            Show more
          </Button>
        </Group>
      )}
    </>
  );
}

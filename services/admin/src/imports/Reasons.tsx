import { Table, Text, Title } from "@mantine/core";
import { figure } from "../jobs/figures";
import { byReason } from "./mapping";
import { useRefused } from "./queries";

/** Why rows are refused, by reason, with the first rows of each. */
export function Reasons(props: { id: string; step: "plan" | "done"; refused: number }) {
  const refused = useRefused(props.id, props.step, props.refused > 0);
  const rows = refused.data?.rows ?? [];
  if (props.refused === 0 || rows.length === 0) return null;
  return (
    <>
      <Title order={2} mt="lg" mb={4}>
        Why rows are refused
      </Title>
      {rows.length < props.refused && (
        <Text size="sm" c="dimmed">
          Of the first {figure(rows.length)} refused rows.
        </Text>
      )}
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={80} ta="right">
              Rows
            </Table.Th>
            <Table.Th>Reason</Table.Th>
            <Table.Th w={280}>For example</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {byReason(rows).map((group) => (
            <Table.Tr key={`${group.code} ${group.detail}`}>
              <Table.Td ta="right" className="number">
                {figure(group.count)}
              </Table.Td>
              <Table.Td>{group.detail || group.code}</Table.Td>
              <Table.Td>
                <Text size="sm" c="dimmed" className="number">
                  row {group.rows.join(", ")}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

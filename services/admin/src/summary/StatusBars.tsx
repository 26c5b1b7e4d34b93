import { Table, Text } from "@mantine/core";
import { count } from "../parts/numbers";
import { StatusBadge } from "../parts/StatusBadge";

/** How leads spread over the statuses, the most frequent first; each status with its bar. */
export function StatusBars({ byStatus }: { byStatus: Record<string, number> }) {
  const rows = Object.entries(byStatus)
    .filter(([, leads]) => leads > 0)
    .sort(([, a], [, b]) => b - a);
  const most = rows[0]?.[1] ?? 1;
  if (rows.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No leads yet.
      </Text>
    );
  }
  return (
    <Table verticalSpacing={4} aria-label="Leads by status">
      <Table.Tbody>
        {rows.map(([status, leads]) => (
          <Table.Tr key={status}>
            <Table.Td w={190}>
              <StatusBadge code={status} />
            </Table.Td>
            <Table.Td>
              <div className="bar" style={{ width: `${(100 * leads) / most}%` }} />
            </Table.Td>
            <Table.Td w={90} ta="right" className="number">
              {count(leads)}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

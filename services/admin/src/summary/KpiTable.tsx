import { Table, Text } from "@mantine/core";
import type { Schemas } from "../api/client";
import { count, percent } from "../parts/numbers";

/** How often each status was reached: by how many leads, and in all. */
export function KpiTable({ kpis }: { kpis: readonly Schemas["Kpi"][] }) {
  const reached = kpis.filter((kpi) => kpi.all > 0);
  if (reached.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No status was reached yet.
      </Text>
    );
  }
  return (
    <Table verticalSpacing={4} aria-label="Key figures by status">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Reached</Table.Th>
          <Table.Th ta="right">Leads</Table.Th>
          <Table.Th ta="right">Of uploaded</Table.Th>
          <Table.Th ta="right">Times in all</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {reached.map((kpi) => (
          <Table.Tr key={kpi.status}>
            <Table.Td>{kpi.label}</Table.Td>
            <Table.Td ta="right" className="number">
              {count(kpi.first_time)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {percent(kpi.percent_first_time)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {count(kpi.all)}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

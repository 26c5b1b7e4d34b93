import { Card, Group, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import type { Schemas } from "../api/client";
import { Moment } from "../parts/Moment";
import { KpiTable } from "./KpiTable";
import { NumberTiles } from "./NumberTiles";
import { StatusBars } from "./StatusBars";

/** The numbers of a pool, a campaign or a segment, and when they were counted. */
export function SummaryPanel({ summary }: { summary: Schemas["Summary"] }) {
  return (
    <Stack gap="md">
      <NumberTiles numbers={summary.numbers} />
      <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
        <Card withBorder padding="md">
          <Title order={2} size="h3" mb="xs">
            By status
          </Title>
          <StatusBars byStatus={summary.by_status} />
        </Card>
        <Card withBorder padding="md">
          <Title order={2} size="h3" mb="xs">
            Reached
          </Title>
          <KpiTable kpis={summary.kpis} />
        </Card>
      </SimpleGrid>
      <Group gap={4}>
        <Text size="xs" c="dimmed" component="div">
          {summary.exact ? "Counted " : "Scaled up from a sample "}
          <Moment at={summary.counted_on} />
          {summary.exact ? "." : "; the exact numbers follow in a second."}
        </Text>
      </Group>
    </Stack>
  );
}

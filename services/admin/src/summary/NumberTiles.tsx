import { Card, Group, SimpleGrid, Text, Tooltip } from "@mantine/core";
import type { Schemas } from "../api/client";
import { count, share } from "../parts/numbers";

/** How far a pool's, a campaign's or a segment's leads are, a tile for each number. */
export function NumberTiles({ numbers }: { numbers: Schemas["Numbers"] }) {
  return (
    <SimpleGrid cols={{ base: 2, sm: 4, lg: 8 }} spacing="sm">
      <Tile label="Uploaded" value={count(numbers.uploaded)} hint="All that ever came." />
      <Tile label="Total" value={count(numbers.total)} hint="Those not deleted." />
      <Tile
        label="Ready"
        value={count(numbers.ready)}
        hint="Open, active, not suppressed, due: may be dialled now, as far as the lead goes."
      />
      <Tile label="Open" value={count(numbers.open)} hint="In a status that is worked on." />
      <Tile label="Held" value={count(numbers.held)} hint="Paused or cancelled." />
      <Tile label="Closed" value={count(numbers.closed)} hint="Done." />
      <Tile
        label="Closed"
        value={share(numbers.closed, numbers.total)}
        hint="Of those not deleted."
      />
      <Tile
        label="Used"
        value={share(numbers.used, numbers.total)}
        hint={`Tried at least once: ${count(numbers.used)}.`}
      />
    </SimpleGrid>
  );
}

function Tile({ label, value, hint }: { label: string; value: string; hint: string }) {
  return (
    <Tooltip label={hint} multiline maw={260}>
      <Card withBorder padding="sm">
        <Text size="xs" c="dimmed">
          {label}
        </Text>
        <Group gap={4}>
          <Text fw={650} size="xl" className="number">
            {value}
          </Text>
        </Group>
      </Card>
    </Tooltip>
  );
}

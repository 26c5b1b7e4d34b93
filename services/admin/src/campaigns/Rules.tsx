import { Card, Group, SimpleGrid, Table, Text, Title } from "@mantine/core";
import { count } from "../parts/numbers";
import { StatusBadge } from "../parts/StatusBadge";
import {
  type AttemptLimits,
  type DiallingHours,
  delayText,
  type FollowUpRule,
  WEEKDAYS,
  windowsText,
} from "./shapes";

/** How a campaign dials: what follows a call, how often, when. */
export function Rules(props: {
  rules: readonly FollowUpRule[];
  limits: AttemptLimits | null;
  hours: DiallingHours | null;
}) {
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
      <Card withBorder padding="md">
        <Title order={2} size="h3" mb="xs">
          After a call
        </Title>
        <AfterCall rules={props.rules} />
      </Card>
      <Card withBorder padding="md">
        <Title order={2} size="h3" mb="xs">
          How often, and when
        </Title>
        <Limits limits={props.limits} />
        <Hours hours={props.hours} />
      </Card>
    </SimpleGrid>
  );
}

function AfterCall({ rules }: { rules: readonly FollowUpRule[] }) {
  if (rules.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        No rules: after a call the status stays and nothing is dialled again by itself.
      </Text>
    );
  }
  return (
    <Table verticalSpacing={4} aria-label="Follow-up rules">
      <Table.Thead>
        <Table.Tr>
          <Table.Th>When a call ends with</Table.Th>
          <Table.Th>Status</Table.Th>
          <Table.Th>Again</Table.Th>
          <Table.Th ta="right">At most</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rules.map((rule) => (
          <Table.Tr key={`${rule.end_cause} ${rule.disposition}`}>
            <Table.Td>
              {[rule.end_cause, rule.disposition].filter(Boolean).join(", ") || "anything else"}
            </Table.Td>
            <Table.Td>
              <StatusBadge code={rule.next_status} />
            </Table.Td>
            <Table.Td>
              {delayText(rule.delay_minutes)}
              {rule.delay_minutes !== null && `, ${rule.number} number`}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {rule.max_attempts === null ? "" : `${count(rule.max_attempts)} ×`}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Limits({ limits }: { limits: AttemptLimits | null }) {
  const said = [
    limits?.per_lead != null && `${limits.per_lead} a lead`,
    limits?.per_number != null && `${limits.per_number} a number`,
    limits?.per_day != null && `${limits.per_day} a day`,
  ].filter(Boolean);
  return (
    <Group gap="xs" mb="md">
      <Text size="sm" fw={600}>
        Attempts:
      </Text>
      <Text size="sm">{said.length === 0 ? "no limit" : `at most ${said.join(", ")}`}</Text>
    </Group>
  );
}

function Hours({ hours }: { hours: DiallingHours | null }) {
  if (hours === null) {
    return <Text size="sm">Dialled at any hour.</Text>;
  }
  return (
    <>
      <Text size="sm" mb={4}>
        By the clock of {hours.zone ?? "each lead"}
        {hours.holidays.length > 0 && `, not on ${hours.holidays.join(", ")}`}:
      </Text>
      <Table verticalSpacing={2} aria-label="Dialling hours">
        <Table.Tbody>
          {WEEKDAYS.map((day) => (
            <Table.Tr key={day}>
              <Table.Td w={120} tt="capitalize">
                {day}
              </Table.Td>
              <Table.Td className="number">{windowsText(hours[day])}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

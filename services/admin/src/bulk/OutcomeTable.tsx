import { Anchor, Badge, Button, Group, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useNames } from "../api/queries";
import { worded } from "../jobs/figures";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { ProblemAlert } from "../parts/ProblemAlert";
import { type Outcome, useLeadNames, useOutcomes } from "./jobs";
import { shortValue } from "./words";

const COLOURS: Record<string, string> = {
  applied: "blue",
  reversed: "teal",
  refused: "red",
  kept: "orange",
};

const PLANNED: Record<string, string> = { applied: "Will change", reversed: "Will be taken back" };
const DONE: Record<string, string> = { applied: "Changed", reversed: "Taken back" };

/** Every lead of a job: what is planned or became of it, before and after, or why not. */
export function OutcomeTable({
  id,
  step,
  outcome,
}: {
  id: string;
  step: "plan" | "done";
  outcome: string | undefined;
}) {
  const query = useOutcomes(id, step, outcome);
  const outcomes = query.data?.pages.flatMap((page) => page.outcomes) ?? [];
  const leads = useLeadNames(outcomes.map((one) => one.lead_id));
  if (query.error !== null) {
    return <ProblemAlert error={query.error} retry={() => query.refetch()} />;
  }
  if (query.data === undefined) return <Loading lines={6} />;
  if (outcomes.length === 0) return <EmptyState title="No lead has this outcome" />;
  return (
    <>
      <Table fz="sm" verticalSpacing={4} stickyHeader aria-label="Leads of the job">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Lead</Table.Th>
            <Table.Th>Outcome</Table.Th>
            <Table.Th>Before → after, or why not</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {outcomes.map((one) => (
            <Table.Tr key={one.place}>
              <Table.Td>
                <Anchor
                  component={Link}
                  to={"/leads/$leadId" as string}
                  params={{ leadId: one.lead_id } as never}
                  size="sm"
                >
                  {leads.get(one.lead_id) || one.lead_id.slice(0, 8)}
                </Anchor>
              </Table.Td>
              <Table.Td>
                <Group gap={4} wrap="nowrap">
                  <Badge
                    size="sm"
                    radius="sm"
                    variant="light"
                    tt="none"
                    color={COLOURS[one.outcome] ?? "gray"}
                  >
                    {(step === "plan" ? PLANNED : DONE)[one.outcome] ?? worded(one.outcome)}
                  </Badge>
                  {one.moved && (
                    <Text size="xs" c="dimmed" title="It was not as seen before">
                      moved
                    </Text>
                  )}
                </Group>
              </Table.Td>
              <Table.Td>
                <Differences outcome={one} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {query.hasNextPage && (
        <Button
          variant="default"
          size="xs"
          loading={query.isFetchingNextPage}
          onClick={() => query.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </>
  );
}

function Differences({ outcome }: { outcome: Outcome }) {
  const names = useNames();
  if (outcome.reasons.length > 0) {
    return <>{outcome.reasons.map((reason) => reason.detail).join(" ")}</>;
  }
  return (
    <>
      {Object.entries(outcome.changes).map(([part, change]) => {
        const pair = change as { before?: unknown; after?: unknown } | null;
        const hidden =
          pair === null || typeof pair !== "object" || !("before" in pair || "after" in pair);
        return (
          <div key={part}>
            <Text span size="sm" c="dimmed">
              {worded(part)}:
            </Text>{" "}
            {hidden
              ? "changes"
              : `${shortValue(pair.before, names)} → ${shortValue(pair.after, names)}`}
          </div>
        );
      })}
    </>
  );
}

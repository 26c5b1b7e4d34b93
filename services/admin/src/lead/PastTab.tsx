import { Button, Group, NumberInput, Slider, Table, Text, TextInput } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useNames } from "../api/queries";
import { fromClock, toClock } from "../parts/command/instants";
import { EmptyState } from "../parts/EmptyState";
import { kindLabel } from "../parts/kinds";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useLeadFrame } from "./frame";
import { type Lead, useDiff } from "./queries";
import type { LeadSearch } from "./routes";
import { Section } from "./Section";
import { Value } from "./Value";
import { changedField } from "./words";

/** What the lead was: at a version, at a time, and what lies between two versions. */
export function PastTab(props: {
  search: LeadSearch;
  newest: Lead;
  ask(change: Partial<LeadSearch>): void;
}) {
  const { lead, open, may } = useLeadFrame();
  const newest = props.newest.version ?? 1;
  const absorbed = lead.absorbed ?? [];
  return (
    <>
      <Travel {...props} newest={newest} shown={lead.version ?? newest} />
      <Compare {...props} newest={newest} shown={lead.version ?? newest} />
      {absorbed.length > 0 && (
        <Section title="Merged into this lead">
          {absorbed.map((other) => (
            <Group key={other} gap="sm">
              <Link to="/leads/$leadId" params={{ leadId: other }} className="number">
                {other}
              </Link>
              {may("UnmergeLeads") && (
                <Button
                  size="compact-xs"
                  variant="default"
                  onClick={() =>
                    open({
                      command: "UnmergeLeads",
                      initial: { other_lead_id: other },
                      given: ["other_lead_id"],
                    })
                  }
                >
                  Take it out again
                </Button>
              )}
            </Group>
          ))}
        </Section>
      )}
    </>
  );
}

interface Between {
  search: LeadSearch;
  newest: number;
  shown: number;
  ask(change: Partial<LeadSearch>): void;
}

function Travel({ search, newest, shown, ask }: Between) {
  const [version, setVersion] = useState(shown);
  useEffect(() => setVersion(shown), [shown]);
  const instant = search.as_of?.startsWith("version:") ? "" : search.as_of;
  const go = (to: number) => ask({ as_of: to >= newest ? "" : `version:${to}` });
  return (
    <Section title="Look back">
      <Group gap="lg" align="end" wrap="nowrap">
        <div className="lead-slider">
          <Text size="sm" mb={4}>
            Version {version} of {newest}
          </Text>
          <Slider
            min={1}
            max={Math.max(newest, 2)}
            disabled={newest < 2}
            value={version}
            label={(value) => `Version ${value}`}
            thumbProps={{ "aria-label": "Version" }}
            onChange={setVersion}
            onChangeEnd={go}
          />
        </div>
        <Group gap={4} wrap="nowrap">
          <Button
            size="compact-sm"
            variant="default"
            disabled={shown <= 1}
            onClick={() => go(shown - 1)}
          >
            Earlier
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            disabled={shown >= newest}
            onClick={() => go(shown + 1)}
          >
            Later
          </Button>
        </Group>
        <TextInput
          type="datetime-local"
          label="As it was known at"
          value={toClock(instant)}
          onChange={(event) => ask({ as_of: fromClock(event.currentTarget.value) })}
        />
      </Group>
      <Text size="xs" c="dimmed" mt="xs">
        The whole page then shows the lead as it was: details, follow-up, numbers and log.
      </Text>
    </Section>
  );
}

function versionOf(text: string | undefined, otherwise: number): number {
  const found = /^version:(\d+)$/.exec(text ?? "")?.[1];
  return found === undefined ? otherwise : Number(found);
}

function Compare({ search, newest, shown, ask }: Between) {
  const { lead } = useLeadFrame();
  const names = useNames();
  const first = search.as_of === undefined ? Math.max(1, shown - 1) : shown;
  const [from, setFrom] = useState<number>(first);
  useEffect(() => setFrom(first), [first]);
  const to = versionOf(search.against, newest);
  const low = Math.min(from, to);
  const high = Math.max(from, to);
  const diff = useDiff(
    lead.lead_id ?? "",
    `version:${low}`,
    `version:${high}`,
    low < high && high <= newest,
  );
  return (
    <Section title="Compare two versions">
      <Group gap="sm" mb="xs">
        <NumberInput
          size="xs"
          w={110}
          label="Version"
          min={1}
          max={newest}
          value={from}
          onChange={(value) => typeof value === "number" && setFrom(value)}
        />
        <NumberInput
          size="xs"
          w={110}
          label="with version"
          min={1}
          max={newest}
          value={to}
          onChange={(value) => typeof value === "number" && ask({ against: `version:${value}` })}
        />
      </Group>
      {low === high && <EmptyState title="This is one and the same version" />}
      {diff.error !== null && <ProblemAlert error={diff.error} retry={() => diff.refetch()} />}
      {low < high && diff.isPending && <Loading lines={3} />}
      {low < high && diff.data !== undefined && (
        <>
          <Table verticalSpacing={3} striped>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>What</Table.Th>
                <Table.Th>
                  Version {low}, <Moment at={diff.data.before.recorded_at} />
                </Table.Th>
                <Table.Th>
                  Version {high}, <Moment at={diff.data.after.recorded_at} />
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {diff.data.changes.map((change) => (
                <Table.Tr key={change.field}>
                  <Table.Td>{changedField(change.field)}</Table.Td>
                  <Table.Td>
                    <Value field={change.field} value={change.before} />
                  </Table.Td>
                  <Table.Td>
                    <Value field={change.field} value={change.after} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
          {diff.data.changes.length === 0 && (
            <EmptyState title="Nothing that one sees was changed between them" />
          )}
          <Text size="sm" fw={600} mt="sm">
            What happened between
          </Text>
          <ul className="lead-steps">
            {diff.data.events.map((step) => (
              <li key={step.version}>
                {step.version}. {kindLabel(step.kind)} by {names.actor(step.actor)},{" "}
                <Moment at={step.happened_at} />
              </li>
            ))}
          </ul>
        </>
      )}
    </Section>
  );
}

import { Anchor, Badge, Group, Spoiler, Table, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useNames } from "../api/queries";
import { words } from "../parts/command/words";
import { kindLabel } from "../parts/kinds";
import { Moment } from "../parts/Moment";
import { useLeadFrame } from "./frame";
import type { LogEntry } from "./queries";
import { Value } from "./Value";
import { changedField, duration } from "./words";

const LATE_MS = 60_000;
/** What a call's line and its box show already, or what nobody reads. */
const SHOWN_ELSEWHERE = new Set([
  "agent",
  "call_id",
  "campaign_id",
  "claims",
  "contact_session_id",
  "disposition",
  "end_cause",
  "ended_at",
  "ends_waiting",
  "extracted",
  "key",
  "next_contact",
  "next_dial_at",
  "number",
  "phone_typed",
  "pool_id",
  "previous",
  "recording",
  "rule",
  "started_at",
  "status_after",
  "status_before",
  "talk_seconds",
  "transcript",
]);

/** One entry: what happened, when, by whom and why; what it was before and after. */
export function Entry({ entry }: { entry: LogEntry }) {
  const { lead } = useLeadFrame();
  const names = useNames();
  const late =
    new Date(entry.recorded_at).getTime() - new Date(entry.happened_at).getTime() > LATE_MS;
  return (
    <li className="lead-entry">
      <div className="lead-entry-when">
        <Moment at={entry.happened_at} />
        {late && (
          <Text size="xs" c="dimmed">
            learned <Moment at={entry.recorded_at} />
          </Text>
        )}
      </div>
      <div className="lead-entry-what">
        <Group gap={6}>
          <Text size="sm" fw={600}>
            {kindLabel(entry.kind)}
          </Text>
          <Text size="sm" c="dimmed">
            by {names.actor(entry.actor)}
          </Text>
          <Because entry={entry} />
          {entry.lead_id !== lead.lead_id && (
            <Badge
              size="sm"
              variant="outline"
              color="grape"
              tt="none"
              renderRoot={(props) => (
                <Link to="/leads/$leadId" params={{ leadId: entry.lead_id }} {...props} />
              )}
            >
              of a merged lead
            </Badge>
          )}
          <Text size="xs" c="dimmed" ml="auto" className="number">
            version {entry.version}
          </Text>
        </Group>
        {entry.erased && (
          <Text size="sm" c="dimmed">
            What it said of a person was erased.
          </Text>
        )}
        {entry.changes.length > 0 && <Changes entry={entry} />}
        {entry.kind === "lead.call_recorded" ? <Call entry={entry} /> : <Rest entry={entry} />}
      </div>
    </li>
  );
}

function Changes({ entry }: { entry: LogEntry }) {
  return (
    <Table className="lead-changes" verticalSpacing={1} withRowBorders={false}>
      <Table.Tbody>
        {entry.changes.map((change) => (
          <Table.Tr key={change.field}>
            <Table.Th fw={400} c="dimmed" w={170}>
              {changedField(change.field)}
            </Table.Th>
            <Table.Td>
              <Group gap={6}>
                <Value field={change.field} value={change.before} />
                <span role="img" aria-label="became">
                  →
                </span>
                <Value field={change.field} value={change.after} />
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Because({ entry }: { entry: LogEntry }) {
  const { because } = entry;
  const id = because.href?.split("/").at(-1) ?? "";
  switch (because.kind) {
    case "bulk":
      return (
        <Anchor href={`/ui/bulk-jobs/${id}`} size="sm">
          in a bulk change
        </Anchor>
      );
    case "import":
      return (
        <Anchor href={`/ui/imports/${id}`} size="sm">
          {because.id.endsWith("/undo") ? "by undoing an import" : "by an import"}
        </Anchor>
      );
    case "call":
      return (
        <Text size="sm" c="dimmed">
          call {because.id}
          {because.source ? ` of ${because.source}` : ""}
        </Text>
      );
    case "rule":
      return (
        <Text size="sm" c="dimmed">
          rule {because.id}
        </Text>
      );
    case "source":
      return (
        <Text size="sm" c="dimmed">
          from {because.id}
        </Text>
      );
    default:
      return null;
  }
}

function Call({ entry }: { entry: LogEntry }) {
  const { data } = entry;
  const text = (name: string) => (typeof data[name] === "string" ? (data[name] as string) : "");
  const names = useNames();
  const recording = text("recording");
  const extracted = (data.extracted ?? {}) as Record<string, unknown>;
  const facts = [
    text("end_cause").replace(/([a-z])([A-Z])/g, "$1 $2"),
    text("disposition") && `disposition ${text("disposition")}`,
    text("number"),
    text("agent") && `with ${names.user(text("agent"))}`,
    `talked ${duration(Number(data.talk_seconds ?? 0))}`,
  ].filter(Boolean);
  return (
    <div>
      <Text size="sm">{facts.join(" · ")}</Text>
      {recording !== "" &&
        (/^https?:\/\//.test(recording) ? (
          <Anchor href={recording} target="_blank" rel="noopener noreferrer" size="sm">
            Listen to the recording
          </Anchor>
        ) : (
          <Text size="sm">Recording: {recording}</Text>
        ))}
      {Object.keys(extracted).length > 0 && (
        <Text size="sm" component="div">
          {Object.entries(extracted).map(([name, value]) => (
            <div key={name}>
              {words(name)}: <Value field={name} value={value} />
            </div>
          ))}
        </Text>
      )}
      {text("transcript") !== "" && (
        <Spoiler maxHeight={60} showLabel="Show all of the transcript" hideLabel="Show less">
          <Text size="sm" className="lead-text">
            {text("transcript")}
          </Text>
        </Spoiler>
      )}
    </div>
  );
}

/** What else the event holds, where it says more than its changes. */
function Rest({ entry }: { entry: LogEntry }) {
  const told = new Set(entry.changes.map((change) => change.field));
  const rest = Object.entries(entry.data).filter(
    ([name, value]) =>
      !SHOWN_ELSEWHERE.has(name) &&
      !told.has(name) &&
      value !== null &&
      value !== "" &&
      !/^(before|after|changes?)$|_(before|after)$/.test(name) &&
      !(typeof value === "object" && Object.keys(value as object).length === 0),
  );
  if (rest.length === 0) return null;
  return (
    <Spoiler maxHeight={44} showLabel="Show all" hideLabel="Show less">
      <Text size="sm" c="dimmed" component="div">
        {rest.map(([name, value]) => (
          <span key={name} className="lead-told">
            {words(name)}: <Value field={name} value={value} />
          </span>
        ))}
      </Text>
    </Spoiler>
  );
}

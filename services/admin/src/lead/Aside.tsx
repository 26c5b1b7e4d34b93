import { Alert, Button, List, Select, Table, Text, TextInput } from "@mantine/core";
import { useState } from "react";
import { useMe, useNames, useOrganisation } from "../api/queries";
import { fromClock, toClock } from "../parts/command/instants";
import { kindLabel } from "../parts/kinds";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { counted } from "../parts/numbers";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useLeadFrame } from "./frame";
import { type LeadThen, useCallable } from "./queries";
import { Section } from "./Section";
import { duration } from "./words";

/** Whether it may be called, when it is dialled next, and its numbers. */
export function Aside({ page }: { page: LeadThen }) {
  return (
    <aside>
      <MayCall />
      <FollowUp page={page} />
      <Numbers page={page} />
    </aside>
  );
}

function MayCall() {
  const { lead, past } = useLeadFrame();
  const me = useMe().data;
  const users = useOrganisation().data?.users ?? [];
  const names = useNames();
  const [agent, setAgent] = useState("");
  const [at, setAt] = useState("");
  const found = useCallable(
    lead.lead_id ?? "",
    { ...(agent !== "" && { agent }), ...(at !== "" && { at }) },
    lead.version ?? 0,
  );
  const answer = found.data;
  const who = agent === "" ? "I" : names.user(agent);
  const others = me !== undefined && me.role !== "agent";
  if (past) return null;
  return (
    <Section title={`May ${who} call this lead ${at === "" ? "now" : "then"}?`}>
      {others && (
        <Select
          size="xs"
          mb={6}
          aria-label="Agent"
          placeholder={`${me.name ?? "Me"} (me)`}
          clearable
          value={agent === "" ? null : agent}
          data={users
            .filter((one) => one.active && one.role !== "dialer" && one.user_id !== me.user_id)
            .map((one) => ({ value: one.user_id, label: one.name }))}
          onChange={(chosen) => setAgent(chosen ?? "")}
        />
      )}
      <TextInput
        size="xs"
        mb="xs"
        type="datetime-local"
        aria-label="At another time"
        value={toClock(at)}
        onChange={(event) => setAt(fromClock(event.currentTarget.value))}
      />
      {found.isPending && <Loading lines={2} />}
      {found.error !== null && <ProblemAlert error={found.error} retry={() => found.refetch()} />}
      {answer !== undefined && found.error === null && (
        <Alert color={answer.callable ? "green" : "red"} py={6} role="status">
          <Text size="sm" fw={600}>
            {answer.callable ? "Yes" : `No, for ${counted(answer.reasons.length, "reason")}`}
          </Text>
          {answer.reasons.length > 0 && (
            <List size="sm" mt={4} spacing={4}>
              {answer.reasons.map((reason) => (
                <List.Item key={`${reason.code} ${reason.text}`}>
                  {reason.text}
                  {reason.by != null && (
                    <Text size="xs" c="dimmed">
                      {kindLabel(reason.by.event)} by {names.actor(reason.by.actor)},{" "}
                      <Moment at={reason.by.happened_at} />
                    </Text>
                  )}
                </List.Item>
              ))}
            </List>
          )}
          <Text size="xs" c="dimmed" mt={4}>
            By version {answer.rules.version} of the campaign's rules
            {answer.erased ? "; its numbers are erased and were not checked" : ""}.
          </Text>
        </Alert>
      )}
    </Section>
  );
}

const WHY: Record<string, string> = {
  callback: "a callback",
  created: "as it was created",
  reset: "a reset",
  rule: "a follow-up rule",
  scheduled: "scheduled",
};

function FollowUp({ page }: { page: LeadThen }) {
  const { open, may } = useLeadFrame();
  const names = useNames();
  const next = page.follow_up;
  const command = next?.cancel.endsWith("cancel-callback")
    ? "CancelCallback"
    : "CancelScheduledDial";
  return (
    <Section
      title="Follow-up"
      actions={
        next != null &&
        may(command) && (
          <Button size="compact-xs" variant="default" onClick={() => open({ command })}>
            Cancel it
          </Button>
        )
      }
    >
      {next == null ? (
        <Text size="sm" c="dimmed">
          No dial is planned.
        </Text>
      ) : (
        <>
          <Text size="sm" fw={600}>
            <Moment at={next.at} />
          </Text>
          <Text size="sm" c="dimmed">
            {next.why ? WHY[next.why] : ""}
            {next.rule ? ` (${next.rule})` : ""}
            {next.contact > 0 ? `, contact ${next.contact}` : ""}
            {next.decided_by ? `, by ${names.actor(next.decided_by)}` : ""}
          </Text>
        </>
      )}
    </Section>
  );
}

function Numbers({ page }: { page: LeadThen }) {
  const { statistics } = page;
  const rows: readonly (readonly [string, React.ReactNode])[] = [
    ["Call attempts", statistics.call_attempts],
    ["Contact attempts", statistics.contact_attempts],
    ["Since a reset", statistics.attempts_since_reset],
    ["Talk time", duration(statistics.talk_seconds)],
    ["Messages", statistics.messages],
    ["Latest call", <Moment key="a" at={statistics.latest_call_at} />],
    ["Last contacted", <Moment key="b" at={statistics.last_contacted_at} />],
    ["Last modified", <Moment key="c" at={statistics.last_modified_at} />],
  ];
  return (
    <Section title="Numbers">
      <Table verticalSpacing={2} horizontalSpacing={0} withRowBorders={false}>
        <Table.Tbody>
          {rows.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th c="dimmed" fw={400}>
                {name}
              </Table.Th>
              <Table.Td ta="right" className="number">
                {value}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}

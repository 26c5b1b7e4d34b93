import { Button, Group, Table, Text } from "@mantine/core";
import { useState } from "react";
import { useCommand } from "../api/commands";
import { useMe, useNames } from "../api/queries";
import { ConfirmButton } from "../jobs/Confirm";
import { many, worded } from "../jobs/figures";
import { StateBadge } from "../jobs/StateBadge";
import { useViews } from "../leads/useViews";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import type { Mailing } from "./queries";
import { daysInWords } from "./schedule";

/** Mailed views in a table, what is due next first. */
export function MailingTable(props: {
  mailings: readonly Mailing[];
  showsWho: boolean;
  onChange: (mailing: Mailing) => void;
}) {
  const names = useNames();
  const views = useViews();
  const [error, setError] = useState<Error | null>(null);
  return (
    <>
      {error !== null && <ProblemAlert error={error} />}
      <Table verticalSpacing={6} highlightOnHover stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>View</Table.Th>
            <Table.Th>When</Table.Th>
            <Table.Th>Next</Table.Th>
            <Table.Th>Last sent</Table.Th>
            <Table.Th>To</Table.Th>
            {props.showsWho && <Table.Th>By</Table.Th>}
            <Table.Th>State</Table.Th>
            <Table.Th w={280}>
              <span className="unseen">What one can do</span>
            </Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.mailings.map((one) => (
            <Table.Tr key={one.id}>
              <Table.Td maw={200}>
                <Text size="sm" fw={500} style={{ overflowWrap: "anywhere" }}>
                  {views.data?.views.find((view) => view.view === one.view)?.name ?? "a view"}
                </Text>
                <Text size="xs" c="dimmed">
                  {one.format}
                  {one.contacts && ", with contacts"}
                  {one.skip_empty && ", not when empty"}
                </Text>
              </Table.Td>
              <Table.Td>
                {one.times.join(", ")} · {daysInWords(one)}
                <Text size="xs" c="dimmed">
                  {one.zone}
                </Text>
              </Table.Td>
              <Table.Td>{one.state === "active" && <Moment at={one.next_at} />}</Table.Td>
              <Table.Td>
                <Moment at={one.last_at} />
                {(one.last_missed ?? 0) > 0 && (
                  <Text size="xs" c="orange">
                    {many(one.last_missed ?? 0, "time")} before it missed
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                {one.recipients.map((address) => (
                  <Text key={address} size="xs" style={{ overflowWrap: "anywhere" }}>
                    {address}
                  </Text>
                ))}
              </Table.Td>
              {props.showsWho && <Table.Td>{names.user(one.by)}</Table.Td>}
              <Table.Td>
                <StateBadge state={one.state} />
                {one.reason !== null && (
                  <Text size="xs" c="dimmed">
                    {worded(one.reason)}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <Deeds one={one} onChange={() => props.onChange(one)} onError={setError} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </>
  );
}

function Deeds(props: {
  one: Mailing;
  onChange: () => void;
  onError: (error: Error | null) => void;
}) {
  const { one } = props;
  const { data: me } = useMe();
  const command = useCommand();
  if (one.state === "stopped") return null;
  const mine = me?.user_id === one.by;
  const give = (name: string) => {
    props.onError(null);
    command.mutate({ name, id: one.id, version: one.version }, { onError: props.onError });
  };
  const small = { size: "compact-sm", variant: "default", disabled: command.isPending } as const;
  return (
    <Group gap={6} justify="end">
      {mine && (
        <>
          <Button {...small} onClick={() => give("SendViewMailNow")}>
            Send now
          </Button>
          <Button
            {...small}
            onClick={() => give(one.state === "paused" ? "ResumeViewMail" : "PauseViewMail")}
          >
            {one.state === "paused" ? "Resume" : "Pause"}
          </Button>
          <Button {...small} onClick={props.onChange}>
            Change
          </Button>
        </>
      )}
      {(mine || me?.role === "admin") && (
        <ConfirmButton
          label="Stop"
          button={small}
          title="Stop mailing this view?"
          deed="Stop it for good"
          danger
          run={() => command.mutateAsync({ name: "StopViewMail", id: one.id })}
        >
          <Text size="sm">
            Nothing is sent to {many(one.recipients.length, "recipient")} any more. It cannot be
            resumed; to hold it up for a while, pause it.
          </Text>
        </ConfirmButton>
      )}
    </Group>
  );
}

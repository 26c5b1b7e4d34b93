import { Badge, Button, Group, Table, Text } from "@mantine/core";
import { Moment } from "../parts/Moment";
import { useLeadFrame } from "./frame";
import type { LeadThen } from "./queries";
import { useLog } from "./queries";
import { Section } from "./Section";

const COLOURS: Record<string, string> = {
  cancelled: "gray",
  delivered: "green",
  failed: "red",
  queued: "yellow",
  received: "blue",
  sent: "teal",
};
const CHANNELS: Record<string, string> = { email: "E-mail", sms: "SMS", whatsapp: "WhatsApp" };
const SENDS = [
  ["SendEmail", "E-mail"],
  ["SendSms", "SMS"],
  ["SendWhatsapp", "WhatsApp"],
] as const;
const KINDS = ["message_queued", "message_recorded"] as const;

/** A message as it is shown: of the lead's list, with what the log knows of its text. */
interface Shown {
  id: string;
  at: string;
  channel: string;
  direction: string;
  state: string;
  code: string | null;
  text: string;
}

/** Messages to and from the lead, with what became of them; new ones are written from here. */
export function Messages({ page }: { page: LeadThen }) {
  const { open, may } = useLeadFrame();
  const shown = useShown(page);
  return (
    <Section
      title="Messages"
      actions={SENDS.map(
        ([command, label]) =>
          may(command) && (
            <Button
              key={command}
              size="compact-xs"
              variant="default"
              onClick={() => open({ command })}
            >
              {label}
            </Button>
          ),
      )}
    >
      {shown.length === 0 ? (
        <Text size="sm" c="dimmed">
          No message was sent or received.
        </Text>
      ) : (
        <Table verticalSpacing={4}>
          <Table.Tbody>
            {shown.map((one) => (
              <Row key={one.id} message={one} />
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Section>
  );
}

function useShown(page: LeadThen): readonly Shown[] {
  const { lead, heard } = useLeadFrame();
  const log = useLog(
    lead.lead_id ?? "",
    { kinds: KINDS, actor: undefined, asOf: undefined },
    heard,
  );
  const texts = new Map<string, string>();
  for (const entry of log.data?.pages.flatMap((one) => one.entries) ?? []) {
    const { message_id: id, subject, body } = entry.data;
    texts.set(String(id), [subject, body].filter(Boolean).join(": "));
  }
  for (const one of page.messages) {
    const text = [one.subject, one.body].filter(Boolean).join(": ");
    texts.set(one.message_id, one.erased ? "What it said was erased." : text);
  }
  const listed = (lead.messages ?? []).map((one) => ({ ...one, text: texts.get(one.id) ?? "" }));
  const known = new Set(listed.map((one) => one.id));
  const recorded = page.messages
    .filter((one) => !known.has(one.message_id))
    .map((one) => ({
      id: one.message_id,
      at: one.sent_at,
      channel: one.channel,
      direction: one.direction,
      state: one.direction === "in" ? "received" : "sent",
      code: null,
      text: texts.get(one.message_id) ?? "",
    }));
  return [...listed, ...recorded].toSorted((a, b) => b.at.localeCompare(a.at));
}

function Row({ message }: { message: Shown }) {
  const { open, may } = useLeadFrame();
  const about = { initial: { message_id: message.id }, given: ["message_id"] };
  return (
    <Table.Tr>
      <Table.Td w={150}>
        <Moment at={message.at} />
      </Table.Td>
      <Table.Td w={110}>
        {CHANNELS[message.channel] ?? message.channel} {message.direction === "in" ? "in" : "out"}
      </Table.Td>
      <Table.Td>
        <Text size="sm" className="lead-text" lineClamp={3}>
          {message.text}
        </Text>
      </Table.Td>
      <Table.Td w={110}>
        <Badge color={COLOURS[message.state] ?? "gray"} variant="light" size="sm" tt="none">
          {message.state}
        </Badge>
        {message.code && (
          <Text size="xs" c="red">
            {message.code}
          </Text>
        )}
      </Table.Td>
      <Table.Td w={70}>
        <Group gap={4} justify="flex-end">
          {message.state === "failed" && may("RetryMessage") && (
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => open({ command: "RetryMessage", ...about })}
            >
              Send again
            </Button>
          )}
          {message.state === "queued" && may("CancelMessage") && (
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => open({ command: "CancelMessage", ...about })}
            >
              Cancel
            </Button>
          )}
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}

import { Button, Group, SegmentedControl, Stack, Text, Timeline } from "@mantine/core";
import { IconFileText } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../api/client";
import { words } from "../parts/command/words";
import { Moment } from "../parts/Moment";
import { useLeadFrame } from "./frame";
import { Section } from "./Section";
import { ICONS } from "./words";

type Contract = Schemas["Contract"];

const LIFECYCLE = [
  "updated",
  "confirmation_sent",
  "reminder_1",
  "reminder_2",
  "reminder_3",
  "help",
  "accepted",
  "cancelled",
  "expired",
] as const;

/** The lead's contracts: where each stands, by colour and in words, and how it came there. */
export function Contracts() {
  const { lead, open, may } = useLeadFrame();
  const contracts = lead.contracts ?? [];
  return (
    <Section
      title="Contracts"
      actions={
        may("RecordContract") && (
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => open({ command: "RecordContract" })}
          >
            Record a step
          </Button>
        )
      }
    >
      {contracts.length === 0 && (
        <Text size="sm" c="dimmed">
          There is no contract.
        </Text>
      )}
      <Stack gap="md">
        {contracts.map((one) => (
          <OneContract key={one.id} contract={one} />
        ))}
      </Stack>
    </Section>
  );
}

/** A contract's icon: its colour, its number where it has one, and what it means. */
export function ContractIcon({ icon }: { icon: string }) {
  const known = ICONS[icon] ?? { colour: "gray", text: icon };
  const number = /_(\d)$/.exec(icon)?.[1];
  return (
    <Group gap={6} wrap="nowrap">
      <span className="contract-icon" data-colour={known.colour} aria-hidden>
        <IconFileText size={14} />
        {number}
      </span>
      <Text size="sm">
        {words(known.colour === "gray" ? "grey" : known.colour)}
        {number === undefined ? "" : ` ${number}`}: {known.text}
      </Text>
    </Group>
  );
}

function OneContract({ contract }: { contract: Contract }) {
  const { open, may } = useLeadFrame();
  const [way, setWay] = useState("timeline");
  const about = { given: ["contract_id"] };
  const resend = (channel: string) =>
    open({
      command: "ResendContract",
      initial: { contract_id: contract.id, channel },
      given: ["contract_id", "channel"],
      title: channel === "sms" ? "Resend SMS" : "Resend e-mail",
    });
  return (
    <div>
      <Group gap="sm" mb="xs">
        <Text size="sm" fw={600}>
          {contract.id}
        </Text>
        <ContractIcon icon={contract.icon} />
        <Moment at={contract.at} />
        <Group gap={4} ml="auto">
          {may("ResendContract") && (
            <>
              <Button size="compact-xs" variant="default" onClick={() => resend("sms")}>
                Resend SMS
              </Button>
              <Button size="compact-xs" variant="default" onClick={() => resend("email")}>
                Resend e-mail
              </Button>
            </>
          )}
          {may("RejectContract") && (
            <Button
              size="compact-xs"
              variant="light"
              color="red"
              onClick={() =>
                open({
                  command: "RejectContract",
                  initial: { contract_id: contract.id },
                  ...about,
                  title: `Reject ${contract.id}`,
                })
              }
            >
              Reject
            </Button>
          )}
        </Group>
      </Group>
      <SegmentedControl
        size="xs"
        mb="xs"
        value={way}
        onChange={setWay}
        aria-label={`How ${contract.id} is shown`}
        data={[
          { value: "timeline", label: "Timeline" },
          { value: "lifecycle", label: "Lifecycle" },
        ]}
      />
      {way === "timeline" ? <Steps contract={contract} /> : <Lifecycle contract={contract} />}
    </div>
  );
}

function Steps({ contract }: { contract: Contract }) {
  return (
    <Timeline bulletSize={16} lineWidth={2} active={contract.timeline.length}>
      {contract.timeline.map((step) => (
        <Timeline.Item key={`${step.at} ${step.step}`} title={<ContractIcon icon={step.icon} />}>
          <Text size="xs" c="dimmed">
            {words(step.step)}, <Moment at={step.at} />
          </Text>
        </Timeline.Item>
      ))}
    </Timeline>
  );
}

/** Every step there is, and which of them the contract has been through. */
function Lifecycle({ contract }: { contract: Contract }) {
  const reached = new Map(contract.timeline.map((step) => [step.step, step.at]));
  return (
    <ol className="lifecycle">
      {LIFECYCLE.map((step) => (
        <li
          key={step}
          data-reached={reached.has(step)}
          aria-current={step === contract.step ? "step" : undefined}
        >
          <Text size="xs" fw={step === contract.step ? 700 : 400}>
            {words(step)}
          </Text>
          <Text size="xs" c="dimmed">
            {reached.has(step) ? <Moment at={reached.get(step)} /> : "not reached"}
          </Text>
        </li>
      ))}
    </ol>
  );
}

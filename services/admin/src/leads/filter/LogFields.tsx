import { Group, MultiSelect, NumberInput, Stack, TagsInput } from "@mantine/core";
import { kindLabel } from "../../parts/kinds";
import type { Logged } from "./tree";
import type { Labels } from "./useLabels";
import { TimeInput } from "./ValueInput";

/** Events that people look for; any other kind can be typed in the text form. */
const KINDS = [
  "lead.call_recorded",
  "lead.call_started",
  "lead.created",
  "lead.status_changed",
  "lead.owner_changed",
  "lead.result_recorded",
  "lead.fields_updated",
  "lead.note_added",
  "lead.message_recorded",
  "lead.contract_recorded",
  "lead.callback_set",
  "lead.dial_scheduled",
  "lead.priority_set",
  "lead.activated",
  "lead.deactivated",
  "lead.suppressed",
  "lead.locked",
  "lead.reset",
];

/** A condition on what happened: "had a call with end cause Busy this week". */
export function LogFields({
  node,
  labels,
  onChange,
}: {
  node: Logged;
  labels: Labels;
  onChange: (node: Logged) => void;
}) {
  const kinds = node.kinds ?? ["lead.call_recorded"];
  const kindData = [...new Set([...KINDS, ...kinds])].map((value) => ({
    value,
    label: kindLabel(value),
  }));
  const ofCalls = kinds.includes("lead.call_recorded");
  const actors = labels.options("owner").filter((option) => option.value.startsWith("user:"));
  const put = (change: Partial<Logged>) => onChange({ ...node, ...change });
  return (
    <Stack gap={6} flex={1}>
      <MultiSelect
        size="xs"
        aria-label="What happened"
        data={kindData}
        value={kinds}
        onChange={(value) => put({ kinds: value })}
      />
      {ofCalls && (
        <Group gap={6} wrap="nowrap">
          <MultiSelect
            size="xs"
            flex={1}
            aria-label="End causes"
            placeholder={node.end_causes?.length ? "" : "Any end cause"}
            data={labels.column("latest_end_cause").values}
            value={node.end_causes ?? []}
            onChange={(value) => put({ end_causes: value })}
          />
          <TagsInput
            size="xs"
            flex={1}
            aria-label="Dispositions"
            placeholder={node.dispositions?.length ? "" : "Any disposition"}
            value={node.dispositions ?? []}
            onChange={(value) => put({ dispositions: value })}
          />
        </Group>
      )}
      <Group gap={6} wrap="nowrap">
        <MultiSelect
          size="xs"
          flex={1}
          aria-label="By whom"
          placeholder={node.actors?.length ? "" : "By anybody"}
          data={[...actors]}
          value={node.actors ?? []}
          onChange={(value) => put({ actors: value })}
        />
        <NumberInput
          size="xs"
          w={130}
          aria-label="At least how often"
          prefix="at least "
          suffix=" ×"
          min={1}
          max={1000}
          value={node.at_least ?? 1}
          onChange={(value) => put({ at_least: Number(value) || 1 })}
        />
      </Group>
      <Group gap={6} wrap="nowrap">
        <TimeInput
          label="Since"
          value={node.since ?? ""}
          onChange={(value) => put({ since: value === "" ? null : value })}
        />
        <TimeInput
          label="Until, not included"
          value={node.until ?? ""}
          onChange={(value) => put({ until: value === "" ? null : value })}
        />
      </Group>
    </Stack>
  );
}

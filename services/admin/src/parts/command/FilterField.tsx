import { Fieldset, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { DraftEditor, DraftStatus } from "../../leads/filter/DraftEditor";
import type { Tree } from "../../leads/filter/tree";
import { placed, useDraft } from "../../leads/filter/useDraft";
import { useLabels } from "../../leads/filter/useLabels";
import { type FieldProps, useAround, useFrame } from "./form";
import type { Fault } from "./values";

/**
 * A filter, made as in the list of leads: conditions to choose, their text, how many leads they
 * find. What is wrong stands at the condition it is about, until something is changed.
 */
export function FilterField(props: FieldProps) {
  const { pointer, value } = props;
  const { label, description } = useAround(props);
  const { faults } = useFrame();
  const labels = useLabels();
  const [settled, setSettled] = useState<readonly Fault[]>([]);
  const initial = value !== null && typeof value === "object" ? (value as Tree) : null;
  const draft = useDraft(initial, null, labels, (meant) => {
    setSettled(faults);
    props.onChange(meant);
  });
  // Why the text is no filter stands at the text already.
  const wrong = (faults === settled ? [] : faults)
    .filter(({ pointer: at }) => at === pointer || at.startsWith(`${pointer}/`))
    .filter(({ detail }) => detail !== draft.syntax)
    .map((fault) => ({ ...fault, code: "" }));
  return (
    <Fieldset legend={label}>
      <Stack gap="sm">
        {description !== undefined && (
          <Text size="xs" c="dimmed">
            {description}
          </Text>
        )}
        <DraftEditor draft={draft} labels={labels} faults={placed(wrong, draft, pointer)} />
        <DraftStatus draft={draft} />
      </Stack>
    </Fieldset>
  );
}

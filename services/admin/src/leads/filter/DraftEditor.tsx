import { Alert, Text, Textarea } from "@mantine/core";
import type { Reason } from "../../api/problem";
import { NodeEditor } from "./NodeEditor";
import type { Draft } from "./useDraft";
import type { Labels } from "./useLabels";

/** A filter that is being made: its tree with what is wrong at each condition, and its text. */
export function DraftEditor({
  draft,
  labels,
  faults = [],
}: {
  draft: Draft;
  labels: Labels;
  /** Faults besides those that the draft knows of, by pointers into its tree. */
  faults?: readonly Reason[];
}) {
  const { problem } = draft;
  return (
    <>
      <NodeEditor
        node={draft.tree}
        pointer=""
        labels={labels}
        faults={[...draft.faults, ...faults]}
        onChange={draft.change}
      />
      <Textarea
        label="As text"
        description="The same filter, for links, mails and the command line."
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        styles={{ input: { fontFamily: "monospace", fontSize: 12 } }}
        value={draft.text}
        error={draft.syntax}
        onChange={(event) => draft.write(event.currentTarget.value)}
      />
      {problem !== null && draft.faults.length === 0 && (
        <Alert color="red" role="alert">
          {problem.detail || problem.title}
        </Alert>
      )}
    </>
  );
}

/** How many leads the filter finds, or what it still lacks. */
export function DraftStatus({ draft }: { draft: Draft }) {
  return (
    <Text size="sm" c={draft.problem === null ? "dimmed" : "red"} role="status" className="number">
      {draft.told}
    </Text>
  );
}

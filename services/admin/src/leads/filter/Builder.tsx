import { Alert, Button, Drawer, Group, Stack, Text, Textarea } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Problem, type Reason } from "../../api/problem";
import { aboutCount } from "../grid/about";
import { countLeads } from "../grid/useLeadPages";
import { NodeEditor } from "./NodeEditor";
import { emptyLeaf, isComplete } from "./operators";
import { FilterSyntax, printFilter, readFilter } from "./text";
import { allOf, conjuncts, isGroup, type Tree } from "./tree";
import type { Labels } from "./useLabels";

const PAUSE_MS = 400;
const ROOT = "/filter";

/**
 * The whole filter as a tree and as text, told at once how many leads it finds or what is wrong
 * with which condition. Nothing is shown by it until it is applied.
 */
export function Builder({
  opened,
  tree,
  asking,
  labels,
  onApply,
  onClose,
}: {
  opened: boolean;
  tree: Tree | null;
  /** A field to ask for at once, null for none. */
  asking: string | null;
  labels: Labels;
  onApply: (tree: Tree | null) => void;
  onClose: () => void;
}) {
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size={720}
      title="Filter"
      padding="md"
    >
      {opened && (
        <Draft tree={tree} asking={asking} labels={labels} onApply={onApply} onClose={onClose} />
      )}
    </Drawer>
  );
}

/** The tree as the editor has it: always a group, so that there is a place for the next one. */
function editable(tree: Tree | null, asking: string | null, labels: Labels): Tree {
  const added = asking === null ? [] : [emptyLeaf(labels.column(asking))];
  if (tree !== null && isGroup(tree) && added.length === 0) return tree;
  return { op: "and", of: [...conjuncts(tree), ...added] };
}

/** The tree as it is asked: without the group that only the editor needs. */
function meant(draft: Tree | null): Tree | null {
  if (draft === null) return null;
  return draft.op === "and" ? allOf(draft.of) : draft;
}

function Draft({
  tree,
  asking,
  labels,
  onApply,
  onClose,
}: Omit<Parameters<typeof Builder>[0], "opened">) {
  const [draft, setDraft] = useState<Tree | null>(() => editable(tree, asking, labels));
  const asked = meant(draft);
  const printed = asked === null ? "" : printFilter(asked);
  const [text, setText] = useState(printed);
  const [syntax, setSyntax] = useState("");
  const [debounced] = useDebouncedValue(printed, PAUSE_MS);
  const complete = asked === null || isComplete(asked);

  const change = (next: Tree | null) => {
    setDraft(next ?? { op: "and", of: [] });
    const now = meant(next);
    setText(now === null ? "" : printFilter(now));
    setSyntax("");
  };
  const write = (next: string) => {
    setText(next);
    try {
      setDraft(editable(readFilter(next), null, labels));
      setSyntax("");
    } catch (error) {
      if (!(error instanceof FilterSyntax)) throw error;
      setSyntax(error.message);
    }
  };

  const count = useQuery({
    queryKey: ["leads", "count", "draft", debounced],
    queryFn: ({ signal }) => countLeads(readFilter(debounced), false, signal),
    enabled: complete && syntax === "" && debounced === printed,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const problem = count.error instanceof Problem ? count.error : null;
  const faults = placed(problem?.reasons ?? [], draft, asked);
  useEffect(() => {
    if (asking !== null) document.querySelector<HTMLElement>(".node:last-of-type input")?.focus();
  }, [asking]);
  const apply = () => {
    onApply(asked);
    onClose();
  };
  return (
    <Stack gap="md">
      {draft !== null && (
        <NodeEditor node={draft} pointer="" labels={labels} faults={faults} onChange={change} />
      )}
      <Textarea
        label="As text"
        description="The same filter, for links, mails and the command line."
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        styles={{ input: { fontFamily: "monospace", fontSize: 12 } }}
        value={text}
        error={syntax}
        onChange={(event) => write(event.currentTarget.value)}
      />
      {problem !== null && faults.length === 0 && (
        <Alert color="red" role="alert">
          {problem.detail || problem.title}
        </Alert>
      )}
      <Group justify="space-between">
        <Text size="sm" c={problem === null ? "dimmed" : "red"} role="status" className="number">
          {!complete
            ? "A condition has no value yet."
            : syntax !== ""
              ? "The text cannot be read yet."
              : problem !== null
                ? "The filter cannot be used yet."
                : count.data === undefined
                  ? "Counting…"
                  : count.data.exact
                    ? `${count.data.count.toLocaleString()} leads match`
                    : `about ${aboutCount(count.data.count)} leads match`}
        </Text>
        <Group gap="xs">
          <Button variant="default" onClick={onClose}>
            Leave as it was
          </Button>
          <Button onClick={apply} disabled={!complete || syntax !== "" || problem !== null}>
            Show these leads
          </Button>
        </Group>
      </Group>
    </Stack>
  );
}

/** Faults by pointers into the editor's tree, which has a group around a single condition. */
function placed(reasons: readonly Reason[], draft: Tree | null, asked: Tree | null): Reason[] {
  const wrapped = draft !== asked;
  return reasons.map((reason) => {
    const pointer = reason.pointer.startsWith(ROOT)
      ? reason.pointer.slice(ROOT.length)
      : reason.pointer;
    const bare = wrapped && asked !== null && !(asked.op === "and" && asked.of.length > 1);
    return { ...reason, pointer: bare ? `/of/0${pointer}` : pointer };
  });
}

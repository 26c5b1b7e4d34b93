import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Problem, type Reason } from "../../api/problem";
import { aboutCount } from "../grid/about";
import { countLeads } from "../grid/useLeadPages";
import { emptyLeaf, isComplete } from "./operators";
import { FilterSyntax, printFilter, readFilter } from "./text";
import { allOf, conjuncts, isGroup, type Tree } from "./tree";
import type { Labels } from "./useLabels";

const PAUSE_MS = 400;
const ROOT = "/filter";

/** A filter that is being made, and what is known of it. */
export interface Draft {
  /** The tree as it is drawn: always a group, so that there is a place for the next condition. */
  tree: Tree;
  /** The filter that is meant, without the group that only the editor needs; null for none. */
  asked: Tree | null;
  text: string;
  /** Why the text is no filter; "" when it is one. */
  syntax: string;
  /** What the service finds wrong, by pointers into `tree`. */
  faults: readonly Reason[];
  problem: Problem | null;
  /** How many leads it finds, or what it still lacks, in words. */
  told: string;
  /** Whether it can be used as it stands, as far as is known. */
  usable: boolean;
  change(tree: Tree | null): void;
  write(text: string): void;
}

/** The tree as the editor has it. `asking` is a field to ask for at once. */
function editable(tree: Tree | null, asking: string | null, labels: Labels): Tree {
  const added = asking === null ? [] : [emptyLeaf(labels.column(asking))];
  if (tree !== null && isGroup(tree) && added.length === 0) return tree;
  return { op: "and", of: [...conjuncts(tree), ...added] };
}

/** The tree as it is asked. */
function meant(draft: Tree): Tree | null {
  return draft.op === "and" ? allOf(draft.of) : draft;
}

/** Faults of the filter that is meant by pointers into the tree that is drawn. */
export function placed(
  reasons: readonly Reason[],
  { tree, asked }: Pick<Draft, "tree" | "asked">,
  root = ROOT,
): Reason[] {
  const bare = tree !== asked && asked !== null && !(asked.op === "and" && asked.of.length > 1);
  return reasons.map((reason) => {
    const pointer = reason.pointer.startsWith(root)
      ? reason.pointer.slice(root.length)
      : reason.pointer;
    return { ...reason, pointer: bare ? `/of/0${pointer}` : pointer };
  });
}

/**
 * Makes a filter as a tree and as text, and asks at once how many leads it finds. `onChange` hears
 * what is meant after each change: a tree, null for none, or a text that is no filter yet.
 */
export function useDraft(
  initial: Tree | null,
  asking: string | null,
  labels: Labels,
  onChange?: (meant: Tree | string | null) => void,
): Draft {
  const [tree, setTree] = useState<Tree>(() => editable(initial, asking, labels));
  const asked = meant(tree);
  const printed = asked === null ? "" : printFilter(asked);
  const [text, setText] = useState(printed);
  const [syntax, setSyntax] = useState("");
  const [debounced] = useDebouncedValue(printed, PAUSE_MS);
  const complete = asked === null || isComplete(asked);
  const count = useQuery({
    queryKey: ["leads", "count", "draft", debounced],
    queryFn: ({ signal }) => countLeads(readFilter(debounced), false, signal),
    enabled: complete && syntax === "" && debounced === printed,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const problem = count.error instanceof Problem ? count.error : null;
  const told = () => {
    if (syntax !== "") return "The text cannot be read yet.";
    if (!complete) return "A condition has no value yet.";
    if (problem !== null) return "The filter cannot be used yet.";
    if (count.data === undefined) return "Counting…";
    const { count: leads, exact } = count.data;
    if (!exact) return `about ${aboutCount(leads)} leads match`;
    return leads === 1 ? "1 lead matches" : `${leads.toLocaleString()} leads match`;
  };
  return {
    tree,
    asked,
    text,
    syntax,
    faults: placed(problem?.reasons ?? [], { tree, asked }),
    problem,
    told: told(),
    usable: complete && syntax === "" && problem === null,
    change: (next) => {
      const drawn = next ?? { op: "and", of: [] };
      const now = meant(drawn);
      setTree(drawn);
      setText(now === null ? "" : printFilter(now));
      setSyntax("");
      onChange?.(now);
    },
    write: (next) => {
      setText(next);
      try {
        const read = readFilter(next);
        setTree(editable(read, null, labels));
        setSyntax("");
        onChange?.(read);
      } catch (error) {
        if (!(error instanceof FilterSyntax)) throw error;
        setSyntax(error.message);
        onChange?.(next);
      }
    },
  };
}

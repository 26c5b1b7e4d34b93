import { Button, CloseButton, Group, UnstyledButton } from "@mantine/core";
import { allOf, conjuncts, type Tree } from "./tree";
import type { Labels } from "./useLabels";

/** What is filtered, a chip a condition; each goes by its x, and opens by a press. */
export function Chips({
  tree,
  q,
  labels,
  onChange,
  onClearSearch,
  onClearAll,
  onOpen,
}: {
  tree: Tree | null;
  q: string;
  labels: Labels;
  onChange: (tree: Tree | null) => void;
  onClearSearch: () => void;
  onClearAll: () => void;
  onOpen: () => void;
}) {
  const nodes = conjuncts(tree);
  if (nodes.length === 0 && q === "") return null;
  return (
    <Group gap={6} role="group" aria-label="What is filtered">
      {q !== "" && <Chip text={`any field: “${q}”`} onOpen={onOpen} onRemove={onClearSearch} />}
      {nodes.map((node, index) => (
        <Chip
          key={JSON.stringify(node)}
          text={labels.describe(node)}
          onOpen={onOpen}
          onRemove={() => onChange(allOf(nodes.filter((_, place) => place !== index)))}
        />
      ))}
      {nodes.length + (q === "" ? 0 : 1) > 1 && (
        <Button size="compact-xs" variant="subtle" color="gray" onClick={onClearAll}>
          Clear all
        </Button>
      )}
    </Group>
  );
}

function Chip({
  text,
  onOpen,
  onRemove,
}: {
  text: string;
  onOpen: () => void;
  onRemove: () => void;
}) {
  return (
    <Group gap={0} className="filter-chip" wrap="nowrap">
      <UnstyledButton className="filter-chip-text" title={text} onClick={onOpen}>
        {text}
      </UnstyledButton>
      <CloseButton size="xs" aria-label={`No longer: ${text}`} onClick={onRemove} />
    </Group>
  );
}

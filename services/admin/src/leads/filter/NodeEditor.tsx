import { ActionIcon, Button, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import type { Reason } from "../../api/problem";
import { LeafFields } from "./LeafFields";
import { ANYTHING, emptyLeaf } from "./operators";
import { isGroup, type Tree } from "./tree";
import type { Labels } from "./useLabels";

/** A node with everything below it. `faults` are those of the whole tree, by pointer. */
export function NodeEditor({
  node,
  pointer,
  labels,
  faults,
  onChange,
}: {
  node: Tree;
  pointer: string;
  labels: Labels;
  faults: readonly Reason[];
  onChange: (node: Tree | null) => void;
}) {
  const negated = node.op === "not";
  const inner = negated ? node.of : node;
  const at = negated ? `${pointer}/of` : pointer;
  const put = (next: Tree | null) =>
    onChange(next === null ? null : negated ? { op: "not", of: next } : next);
  const mine = faults.filter((fault) => isAt(fault.pointer, at, inner));
  return (
    <div className="node" data-fault={mine.length > 0 || undefined} data-pointer={at}>
      <Group gap={6} align="start" wrap="nowrap">
        <Button
          size="compact-xs"
          mt={3}
          variant={negated ? "filled" : "default"}
          color="orange"
          aria-pressed={negated}
          onClick={() => onChange(negated ? inner : { op: "not", of: inner })}
        >
          not
        </Button>
        {isGroup(inner) ? (
          <SegmentedControl
            size="xs"
            aria-label="How these are joined"
            value={inner.op}
            data={[
              { value: "and", label: "all of" },
              { value: "or", label: "any of" },
            ]}
            onChange={(op) => put({ op: op as "and" | "or", of: inner.of })}
          />
        ) : inner.op === "not" ? (
          <Text size="xs" pt={5}>
            not
          </Text>
        ) : (
          <LeafFields node={inner} labels={labels} onChange={put} />
        )}
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          ml="auto"
          mt={4}
          aria-label={isGroup(inner) ? "Take the group out" : "Take the condition out"}
          onClick={() => onChange(null)}
        >
          <IconTrash size={14} aria-hidden />
        </ActionIcon>
      </Group>
      {mine.map((fault) => (
        <Text key={`${fault.pointer} ${fault.detail}`} size="xs" c="red" role="alert" mt={2}>
          {fault.detail}
        </Text>
      ))}
      {inner.op === "not" && (
        <NodeEditor node={inner} pointer={at} labels={labels} faults={faults} onChange={put} />
      )}
      {isGroup(inner) && (
        <Stack gap={8} mt={8}>
          {inner.of.map((child, index) => (
            <NodeEditor
              // biome-ignore lint/suspicious/noArrayIndexKey: a condition is its place
              key={index}
              node={child}
              pointer={`${at}/of/${index}`}
              labels={labels}
              faults={faults}
              onChange={(next) => {
                const of = inner.of.flatMap((one, place) =>
                  place !== index ? [one] : next === null ? [] : [next],
                );
                put(of.length === 0 ? null : { op: inner.op, of });
              }}
            />
          ))}
          <AddButtons
            onAdd={(child) => put({ op: inner.op, of: [...inner.of, child] })}
            other={inner.op === "and" ? "or" : "and"}
            labels={labels}
          />
        </Stack>
      )}
    </div>
  );
}

/** Whether a fault is about the node itself and not about one below it. */
export function isAt(fault: string, pointer: string, node: Tree): boolean {
  if (fault !== pointer && !fault.startsWith(`${pointer}/`)) return false;
  const rest = fault.slice(pointer.length);
  const below = isGroup(node) || node.op === "not";
  return !below || !rest.startsWith("/of");
}

/** Adds a condition or a group of them. */
export function AddButtons({
  onAdd,
  other,
  labels,
}: {
  onAdd: (node: Tree) => void;
  other: "and" | "or";
  labels: Labels;
}) {
  const condition = () => emptyLeaf(labels.column("status"), "in");
  return (
    <Group gap={6}>
      <Button size="compact-xs" variant="light" onClick={() => onAdd(condition())}>
        Add condition
      </Button>
      <Button
        size="compact-xs"
        variant="subtle"
        onClick={() => onAdd({ op: other, of: [emptyLeaf(labels.column(ANYTHING))] })}
      >
        Add “{other === "or" ? "any of" : "all of"}” group
      </Button>
    </Group>
  );
}

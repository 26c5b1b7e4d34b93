import { Checkbox, Group, MultiSelect, Select, TextInput } from "@mantine/core";
import { useOrganisation } from "../../api/queries";
import { LogFields } from "./LogFields";
import { ANYTHING, emptyLeaf, IN_LOG, LOWER, operatorsOf, UPPER } from "./operators";
import type { BoundName, Leaf, Range } from "./tree";
import type { Labels } from "./useLabels";
import { ValueInput, ValuesInput } from "./ValueInput";

/** One condition: a field, what is asked of it, and the values. */
export function LeafFields({
  node,
  labels,
  onChange,
}: {
  node: Leaf;
  labels: Labels;
  onChange: (node: Leaf) => void;
}) {
  const field = node.op === "search" ? ANYTHING : node.op === "log" ? IN_LOG : node.field;
  const column = labels.column(field);
  const choices = [...labels.columns.values()].filter((one) => one.filter);
  const data = [
    { value: ANYTHING, label: "Anything" },
    { value: IN_LOG, label: "What happened (log)" },
    ...choices.map((one) => ({ value: one.name, label: one.label })),
  ];
  if (!data.some((one) => one.value === field)) data.push({ value: field, label: column.label });
  return (
    <Group gap={6} align="start" flex={1}>
      <Select
        size="xs"
        w={190}
        aria-label="Field"
        data={data}
        value={field}
        allowDeselect={false}
        onChange={(name) => name !== null && onChange(emptyLeaf(labels.column(name)))}
      />
      {node.op === "search" && (
        <TextInput
          size="xs"
          flex={1}
          aria-label="What it holds"
          value={node.value}
          onChange={(event) => onChange({ ...node, value: event.currentTarget.value })}
        />
      )}
      {node.op === "log" && <LogFields node={node} labels={labels} onChange={onChange} />}
      {node.op !== "search" && node.op !== "log" && (
        <>
          <Select
            size="xs"
            w={132}
            aria-label="Operator"
            searchable={false}
            data={operatorsOf(column)}
            value={node.op}
            allowDeselect={false}
            onChange={(op) => op !== null && onChange(emptyLeaf(column, op))}
          />
          <Operands node={node} labels={labels} onChange={onChange} />
        </>
      )}
    </Group>
  );
}

type OfField = Exclude<Leaf, { op: "search" } | { op: "log" }>;

function Operands({
  node,
  labels,
  onChange,
}: {
  node: OfField;
  labels: Labels;
  onChange: (node: Leaf) => void;
}) {
  const column = labels.column(node.field);
  const organisation = useOrganisation();
  const given = { column, labels, label: "Value" };
  switch (node.op) {
    case "equals":
      return (
        <ValueInput
          {...given}
          value={node.value}
          onChange={(value) => onChange({ ...node, value })}
        />
      );
    case "in":
      return (
        <ValuesInput
          {...given}
          values={node.values}
          onChange={(values) => onChange({ ...node, values })}
        />
      );
    case "contains":
    case "starts":
      return (
        <TextInput
          size="xs"
          flex={1}
          aria-label="Value"
          value={node.value}
          onChange={(event) => onChange({ ...node, value: event.currentTarget.value })}
        />
      );
    case "range":
      return <Bounds node={node} labels={labels} onChange={onChange} />;
    case "in_teams":
      return (
        <Group gap={6} flex={1}>
          <MultiSelect
            size="xs"
            flex={1}
            aria-label="Teams"
            data={(organisation.data?.teams ?? []).map((one) => ({
              value: one.team_id,
              label: one.name,
            }))}
            value={node.teams}
            onChange={(teams) => onChange({ ...node, teams })}
          />
          <Checkbox
            size="xs"
            label="and below"
            checked={node.below !== false}
            onChange={(event) => onChange({ ...node, below: event.currentTarget.checked })}
          />
        </Group>
      );
    case "is_empty":
      return null;
  }
}

function Bounds({
  node,
  labels,
  onChange,
}: {
  node: Range;
  labels: Labels;
  onChange: (node: Leaf) => void;
}) {
  return (
    <Group gap={6} flex={1} wrap="nowrap">
      <Bound node={node} labels={labels} signs={LOWER} what="From" onChange={onChange} />
      <Bound node={node} labels={labels} signs={UPPER} what="To" onChange={onChange} />
    </Group>
  );
}

function Bound({
  node,
  labels,
  signs,
  what,
  onChange,
}: {
  node: Range;
  labels: Labels;
  signs: Record<string, BoundName>;
  what: string;
  onChange: (node: Leaf) => void;
}) {
  const names = Object.values(signs);
  const used = names.find((name) => node[name] !== undefined && node[name] !== null);
  const sign = Object.keys(signs).find((one) => signs[one] === used) ?? Object.keys(signs)[0] ?? "";
  const put = (name: BoundName, value: unknown) => {
    const next: Record<string, unknown> = { ...node };
    for (const one of names) delete next[one];
    if (value !== "" && value !== null && value !== undefined) next[name] = value;
    onChange(next as unknown as Range);
  };
  return (
    <Group gap={2} flex={1} wrap="nowrap">
      <Select
        size="xs"
        w={52}
        aria-label={`${what}: sign`}
        searchable={false}
        allowDeselect={false}
        withCheckIcon={false}
        rightSectionWidth={0}
        data={Object.keys(signs)}
        value={sign}
        onChange={(next) => next !== null && used && put(signs[next] as BoundName, node[used])}
      />
      <ValueInput
        column={labels.column(node.field)}
        labels={labels}
        label={what}
        value={used === undefined ? "" : node[used]}
        onChange={(value) => put(signs[sign] as BoundName, value)}
      />
    </Group>
  );
}

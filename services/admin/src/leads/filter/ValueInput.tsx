import {
  Autocomplete,
  MultiSelect,
  NumberInput,
  Select,
  TagsInput,
  TextInput,
} from "@mantine/core";
import { ZONE } from "../../parts/Moment";
import type { LeadColumn } from "../grid/values";
import { typed } from "./operators";
import type { Scalar } from "./tree";
import type { Labels } from "./useLabels";

const TIMES = [
  "now",
  `today@${ZONE}`,
  `today+1d@${ZONE}`,
  `today-7d@${ZONE}`,
  `week@${ZONE}`,
  `month@${ZONE}`,
  "now-1h",
  "now-30d",
];

/** A point in time: one of those that move on with the clock, a day, or an instant. */
export function TimeInput({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <Autocomplete
      size="xs"
      flex={1}
      miw={150}
      aria-label={label}
      placeholder="today-7d, 2026-03-01, …"
      data={TIMES}
      value={value}
      onChange={onChange}
      selectFirstOptionOnChange={false}
    />
  );
}

/** One value of a column, in the way its kind asks for. */
export function ValueInput({
  column,
  labels,
  label,
  value,
  onChange,
}: {
  column: LeadColumn;
  labels: Labels;
  label: string;
  value: Scalar | null | undefined;
  onChange: (value: Scalar) => void;
}) {
  const options = labels.options(column.name);
  const text = value === null || value === undefined ? "" : String(value);
  if (column.kind === "boolean") {
    return (
      <Select
        size="xs"
        flex={1}
        aria-label={label}
        searchable={false}
        allowDeselect={false}
        data={[
          { value: "true", label: "Yes" },
          { value: "false", label: "No" },
        ]}
        value={text === "" ? "true" : text}
        onChange={(next) => onChange(next === "true")}
      />
    );
  }
  if (column.kind === "instant" || column.kind === "date") {
    return <TimeInput label={label} value={text} onChange={onChange} />;
  }
  if (column.kind === "number") {
    return (
      <NumberInput
        size="xs"
        flex={1}
        miw={90}
        aria-label={label}
        value={value === null || value === undefined || value === "" ? "" : Number(value)}
        onChange={(next) => onChange(next === "" ? "" : Number(next))}
      />
    );
  }
  if (options.length > 0) {
    const data =
      options.some((one) => one.value === text) || text === ""
        ? [...options]
        : [...options, { value: text, label: text }];
    return (
      <Select
        size="xs"
        flex={1}
        miw={150}
        aria-label={label}
        placeholder="Choose"
        data={data}
        value={text || null}
        onChange={(next) => onChange(next ?? "")}
      />
    );
  }
  return (
    <TextInput
      size="xs"
      flex={1}
      miw={120}
      aria-label={label}
      value={text}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** Several values of a column. */
export function ValuesInput({
  column,
  labels,
  label,
  values,
  onChange,
}: {
  column: LeadColumn;
  labels: Labels;
  label: string;
  values: readonly Scalar[];
  onChange: (values: Scalar[]) => void;
}) {
  const options = labels.options(column.name);
  const texts = values.map(String);
  const put = (next: string[]) => onChange(next.map((one) => typed(column, one)));
  if (options.length === 0) {
    return (
      <TagsInput
        size="xs"
        flex={1}
        miw={150}
        aria-label={label}
        placeholder={texts.length === 0 ? "Type, then Enter" : ""}
        value={texts}
        onChange={put}
      />
    );
  }
  const unknown = texts.filter((text) => !options.some((one) => one.value === text));
  return (
    <MultiSelect
      size="xs"
      flex={1}
      miw={150}
      aria-label={label}
      placeholder={texts.length === 0 ? "Choose" : ""}
      data={[...options, ...unknown.map((text) => ({ value: text, label: text }))]}
      value={texts}
      onChange={put}
    />
  );
}

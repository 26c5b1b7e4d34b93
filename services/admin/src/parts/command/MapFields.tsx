import {
  ActionIcon,
  Button,
  Fieldset,
  Group,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { Choice } from "./ChoiceFields";
import { type FieldProps, textOf, useAround, useFrame } from "./form";
import { type TemplateField, useTemplate } from "./options";
import type { Meaning, Shape } from "./shapes";
import { BooleanField, InstantField, LongTextField, NumberField, TextField } from "./TextFields";
import { step } from "./values";

type Entries = Record<string, unknown>;

function entriesOf(value: unknown): Entries {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as Entries)
    : {};
}

const MEANINGS: Record<string, Meaning> = {
  boolean: "boolean",
  date: "date",
  datetime: "instant",
  email: "email",
  number: "number",
  phone: "phone",
  picklist: "choice",
};

/** The shape of a template field's value. */
function shapeOfField(field: TemplateField, required: boolean): Shape {
  const meaning = MEANINGS[field.type] ?? "text";
  return {
    name: field.import_name,
    label: field.label || field.import_name,
    help: "",
    required: required && field.required,
    nullable: meaning === "boolean",
    meaning,
    schema: {},
    preset: undefined,
  };
}

/** The value of one template field, by its type. */
export function TemplateValue({
  field,
  required = false,
  ...props
}: Omit<FieldProps, "shape"> & { field: TemplateField; required?: boolean }) {
  const inner = { ...props, shape: shapeOfField(field, required) };
  switch (inner.shape.meaning) {
    case "boolean":
      return <BooleanField {...inner} />;
    case "instant":
      return <InstantField {...inner} />;
    case "number":
      return <NumberField {...inner} />;
    case "choice":
      return <Choice {...inner} options={field.values.map((value) => ({ value, label: value }))} />;
    default:
      return field.type === "text" && textOf(props.value).length > 120 ? (
        <LongTextField {...inner} />
      ) : (
        <TextField {...inner} />
      );
  }
}

/** Values of the campaign's template fields; free names where no template is known. */
export function TemplateFieldsField(props: FieldProps & { required?: boolean }) {
  const { campaignId } = useFrame();
  const template = useTemplate(campaignId);
  const around = useAround(props);
  if (template.length === 0) return <MapField {...props} />;
  const entries = entriesOf(props.value);
  return (
    <Fieldset legend={around.label}>
      {around.error !== undefined && (
        <Text c="red" size="xs" role="alert">
          {around.error}
        </Text>
      )}
      <SimpleGrid cols={2} spacing="sm" verticalSpacing="xs">
        {template.map((field) => (
          <TemplateValue
            key={field.import_name}
            field={field}
            required={props.required ?? false}
            pointer={props.pointer + step(field.import_name)}
            value={entries[field.import_name]}
            onChange={(value) => props.onChange({ ...entries, [field.import_name]: value })}
          />
        ))}
      </SimpleGrid>
    </Fieldset>
  );
}

interface Row {
  id: number;
  key: string;
  value: string;
}

/** Names with their values, both typed in. */
export function MapField(props: FieldProps) {
  const { label, description, error } = useAround(props);
  const [rows, setRows] = useState<Row[]>(() =>
    Object.entries(entriesOf(props.value)).map(([key, value], id) => ({
      id,
      key,
      value: textOf(value),
    })),
  );
  const change = (next: Row[]) => {
    setRows(next);
    props.onChange(Object.fromEntries(next.map((row) => [row.key.trim(), row.value])));
  };
  return (
    <Fieldset legend={label}>
      <Stack gap="xs">
        {description !== undefined && (
          <Text size="xs" c="dimmed">
            {description}
          </Text>
        )}
        {error !== undefined && (
          <Text c="red" size="xs" role="alert">
            {error}
          </Text>
        )}
        {rows.map((row) => (
          <Group key={row.id} gap="xs" wrap="nowrap">
            <TextInput
              aria-label="Name"
              placeholder="Name"
              flex={1}
              value={row.key}
              onChange={(event) => {
                const key = event.currentTarget.value;
                change(rows.map((one) => (one.id === row.id ? { ...one, key } : one)));
              }}
            />
            <TextInput
              aria-label={`Value of ${row.key || "this name"}`}
              placeholder="Value"
              flex={2}
              value={row.value}
              onChange={(event) => {
                const value = event.currentTarget.value;
                change(rows.map((one) => (one.id === row.id ? { ...one, value } : one)));
              }}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Take out ${row.key || "this name"}`}
              onClick={() => change(rows.filter((one) => one.id !== row.id))}
            >
              <IconX size={14} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
        <Button
          size="compact-sm"
          variant="subtle"
          w="fit-content"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() =>
            setRows([
              ...rows,
              { id: Math.max(0, ...rows.map((row) => row.id + 1)), key: "", value: "" },
            ])
          }
        >
          Add a value
        </Button>
      </Stack>
    </Fieldset>
  );
}

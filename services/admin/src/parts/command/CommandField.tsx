import { ActionIcon, Button, Fieldset, Group, Stack, Switch, TagsInput, Text } from "@mantine/core";
import { IconPlus, IconTrash } from "@tabler/icons-react";
import { useRef } from "react";
import { ChoiceField, ChoicesField, EnumField, LeadField } from "./ChoiceFields";
import { FilterField } from "./FilterField";
import { type FieldProps, useAround } from "./form";
import { MapField, TemplateFieldsField } from "./MapFields";
import { isChosen } from "./options";
import {
  BooleanField,
  InstantField,
  LongTextField,
  NumberField,
  PriorityField,
  TextField,
} from "./TextFields";
import { startOf, step, type Values } from "./values";
import { words } from "./words";

/** One field of a command's form, by what it means. */
export function CommandField(props: FieldProps) {
  const { meaning } = props.shape;
  switch (meaning) {
    case "list":
      return <ListField {...props} />;
    case "object":
      return <ObjectField {...props} />;
    case "template":
      return <TemplateFieldsField {...props} required={props.shape.name === "fields"} />;
    case "map":
      return <MapField {...props} />;
    case "filter":
      return <FilterField {...props} />;
    case "boolean":
      return <BooleanField {...props} />;
    case "choice":
      return <EnumField {...props} />;
    case "lead":
      return <LeadField {...props} />;
    case "priority":
      return <PriorityField {...props} />;
    case "integer":
    case "number":
      return <NumberField {...props} />;
    case "instant":
      return <InstantField {...props} />;
    case "longtext":
      return <LongTextField {...props} />;
    default:
      return isChosen(meaning) ? <ChoiceField {...props} /> : <TextField {...props} />;
  }
}

const MANY_CHOICES_MAX = 40;

function ListField(props: FieldProps) {
  const { item } = props.shape;
  if (item === undefined) return null;
  if (isChosen(item.meaning) || item.meaning === "choice") return <ChoicesField {...props} />;
  if (item.meaning === "object") return <ObjectsField {...props} />;
  return <TagsField {...props} />;
}

/** A list of short texts or numbers, typed in one after another. */
function TagsField(props: FieldProps) {
  const { shape, value } = props;
  const whole = shape.item?.schema.type === "integer";
  const values = Array.isArray(value) ? value.map(String) : [];
  return (
    <TagsInput
      {...useAround(props)}
      size="sm"
      value={values}
      placeholder={values.length === 0 ? "Type one, then Enter" : ""}
      splitChars={[",", ";", "\n"]}
      acceptValueOnBlur
      maxTags={shape.schema.maxItems ?? MANY_CHOICES_MAX}
      onChange={(next) => {
        const told = next.map((one) => one.trim()).filter((one) => one !== "");
        props.onChange(whole ? told.map(Number).filter(Number.isInteger) : told);
      }}
    />
  );
}

/** A list of things with fields of their own: rules, windows, template fields, contacts. */
function ObjectsField(props: FieldProps) {
  const { shape, value, pointer, onChange } = props;
  const { label, description, error } = useAround(props);
  const items = Array.isArray(value) ? (value as unknown[]) : [];
  const keys = useRef<number[]>([]);
  const item = shape.item;
  if (item === undefined) return null;
  while (keys.current.length < items.length) {
    keys.current.push((keys.current.at(-1) ?? -1) + 1);
  }
  const inline = (item.fields?.length ?? 0) <= 2;
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
        {items.map((one, index) => (
          <Group
            key={keys.current[index]}
            gap="xs"
            wrap="nowrap"
            align={inline ? "end" : "start"}
            role="group"
            aria-label={`${label}, ${index + 1}`}
          >
            <Fields
              shapes={item.fields ?? []}
              value={one}
              pointer={pointer + step(index)}
              inline={inline}
              onChange={(changed) => onChange(items.with(index, changed))}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              mt={inline ? 0 : 24}
              mb={inline ? 4 : 0}
              aria-label={`Take out ${label.toLowerCase()} ${index + 1}`}
              onClick={() => {
                keys.current.splice(index, 1);
                onChange(items.toSpliced(index, 1));
              }}
            >
              <IconTrash size={14} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
        <Button
          size="compact-sm"
          variant="subtle"
          w="fit-content"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange([...items, startOf(item, {})])}
        >
          Add {items.length === 0 ? "one" : "another"}
        </Button>
      </Stack>
    </Fieldset>
  );
}

/** Fields that belong together; a part that may be missing is switched on first. */
function ObjectField(props: FieldProps) {
  const { shape, value, pointer, onChange } = props;
  const { label, description } = useAround(props);
  const there = value !== null && value !== undefined;
  return (
    <Fieldset legend={label}>
      <Stack gap="xs">
        {description !== undefined && (
          <Text size="xs" c="dimmed">
            {description}
          </Text>
        )}
        {shape.nullable && (
          <Switch
            label={`With ${words(shape.label).toLowerCase()}`}
            checked={there}
            onChange={(event) => onChange(event.currentTarget.checked ? startOf(shape, {}) : null)}
          />
        )}
        {(there || !shape.nullable) && (
          <Fields
            shapes={shape.fields ?? []}
            value={value}
            pointer={pointer}
            inline={false}
            onChange={onChange}
          />
        )}
      </Stack>
    </Fieldset>
  );
}

function Fields({
  shapes,
  value,
  pointer,
  inline,
  onChange,
}: {
  shapes: readonly FieldProps["shape"][];
  value: unknown;
  pointer: string;
  inline: boolean;
  onChange(value: Values): void;
}) {
  const values = (value ?? {}) as Values;
  const inside = shapes.map((shape) => (
    <CommandField
      key={shape.name}
      shape={shape}
      value={values[shape.name]}
      pointer={pointer + step(shape.name)}
      onChange={(changed) => onChange({ ...values, [shape.name]: changed })}
    />
  ));
  return inline ? (
    <Group gap="xs" align="end">
      {inside}
    </Group>
  ) : (
    <Stack gap="xs" flex={1}>
      {inside}
    </Stack>
  );
}

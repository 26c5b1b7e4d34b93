import { NumberInput, Select, Switch, Textarea, TextInput } from "@mantine/core";
import { ZONE } from "../Moment";
import { type FieldProps, textOf, useAround } from "./form";
import { fromClock, toClock } from "./instants";

/** A short value needs a short input; what is said about it may be long. */
const NARROW = { wrapper: { width: 200 } };
const TYPES: Record<string, string> = { date: "date", email: "email", phone: "tel" };

/** One line of text, also a date, a number to call, an e-mail address. */
export function TextField(props: FieldProps) {
  const { shape, value, onChange } = props;
  return (
    <TextInput
      {...useAround(props)}
      type={TYPES[shape.meaning] ?? "text"}
      value={textOf(value)}
      autoComplete="off"
      {...(shape.schema.maxLength !== undefined && { maxLength: shape.schema.maxLength })}
      {...(shape.meaning === "time" && { placeholder: "09:30", w: 120 })}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** Text of several lines. */
export function LongTextField(props: FieldProps) {
  return (
    <Textarea
      {...useAround(props)}
      autosize
      minRows={4}
      maxRows={14}
      value={textOf(props.value)}
      maxLength={props.shape.schema.maxLength ?? 10_000}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    />
  );
}

/** A day and a time by the viewer's clock; what it holds is an instant with its offset. */
export function InstantField(props: FieldProps) {
  const around = useAround(props);
  return (
    <TextInput
      {...around}
      type="datetime-local"
      description={[around.description, `By your clock, ${ZONE}.`].filter(Boolean).join(" ")}
      value={toClock(props.value)}
      max="9999-12-31T23:59"
      onChange={(event) => props.onChange(fromClock(event.currentTarget.value))}
    />
  );
}

/** A number. */
export function NumberField(props: FieldProps) {
  const { schema, meaning } = props.shape;
  return (
    <NumberInput
      {...useAround(props)}
      value={typeof props.value === "number" ? props.value : ""}
      allowDecimal={meaning === "number"}
      {...(schema.minimum !== undefined && { min: schema.minimum })}
      {...(schema.maximum !== undefined && { max: schema.maximum })}
      clampBehavior="none"
      styles={NARROW}
      onChange={(value) => props.onChange(value === "" ? null : Number(value))}
    />
  );
}

/** How urgent a lead is, 10 first. */
export function PriorityField(props: FieldProps) {
  const { shape, value, onChange } = props;
  return (
    <Select
      {...useAround(props)}
      styles={NARROW}
      clearable={!shape.required}
      value={value === null || value === "" ? null : String(value)}
      data={Array.from({ length: 10 }, (_, index) => String(10 - index))}
      onChange={(chosen) => onChange(chosen === null ? null : Number(chosen))}
    />
  );
}

/** Yes or no; where nothing is an answer too, three choices. */
export function BooleanField(props: FieldProps) {
  const { shape, value, onChange } = props;
  const around = useAround(props);
  if (shape.nullable) {
    return (
      <Select
        {...around}
        w={200}
        clearable
        placeholder="Leave it as it is"
        value={typeof value === "boolean" ? String(value) : null}
        data={[
          { value: "true", label: "Yes" },
          { value: "false", label: "No" },
        ]}
        onChange={(chosen) => onChange(chosen === null ? null : chosen === "true")}
      />
    );
  }
  return (
    <Switch
      {...around}
      required={false}
      checked={value === true}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}

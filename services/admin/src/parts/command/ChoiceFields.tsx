import { MultiSelect, Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, data } from "../../api/client";
import { type FieldProps, textOf, useAround } from "./form";
import { grouped, type Option, useOptions } from "./options";
import { choiceLabel } from "./words";

const SHOWN_MAX = 200;

/** One value out of a list: of people, teams, statuses, campaigns and the like. */
export function ChoiceField(props: FieldProps) {
  const options = useOptions(props.shape.meaning);
  return <Choice {...props} options={options} />;
}

/** One value out of those that the API names itself. */
export function EnumField(props: FieldProps) {
  const values = (props.shape.schema.enum ?? []).map(String);
  return (
    <Choice
      {...props}
      options={values.map((value) => ({ value, label: choiceLabel(value) }))}
      clearable={!props.shape.required && props.shape.preset == null}
    />
  );
}

/** A list to choose from. A value that is not in it stays as it is. */
export function Choice({
  options,
  clearable,
  ...props
}: FieldProps & { options: readonly Option[]; clearable?: boolean }) {
  const value = textOf(props.value);
  const known = options.some((one) => one.value === value);
  const shown = known || value === "" ? options : [{ value, label: value }, ...options];
  return (
    <Select
      {...useAround(props)}
      value={value === "" ? null : value}
      data={grouped(shown)}
      limit={SHOWN_MAX}
      clearable={clearable ?? !props.shape.required}
      onChange={(chosen) => props.onChange(chosen ?? "")}
    />
  );
}

/** Several values out of a list. Numbers stay numbers. */
export function ChoicesField(props: FieldProps) {
  const item = props.shape.item;
  const meaning = item?.meaning ?? "text";
  const offered = useOptions(meaning);
  const options =
    meaning === "choice"
      ? (item?.schema.enum ?? []).map((one) => ({ value: String(one), label: choiceLabel(one) }))
      : offered;
  const chosen = Array.isArray(props.value) ? props.value.map(String) : [];
  const known = new Set(options.map((one) => one.value));
  const others = chosen.filter((one) => !known.has(one)).map((one) => ({ value: one, label: one }));
  return (
    <MultiSelect
      {...useAround(props)}
      value={chosen}
      data={grouped([...others, ...options])}
      limit={SHOWN_MAX}
      hidePickedOptions
      clearable
      onChange={(values) =>
        props.onChange(item?.schema.type === "integer" ? values.map(Number) : values)
      }
    />
  );
}

/** Another lead, found by its name, e-mail or the digits of its number. */
export function LeadField(props: FieldProps) {
  const [text, setText] = useState("");
  const [asked] = useDebouncedValue(text.trim(), 250);
  const found = useQuery({
    queryKey: ["leads", "choice", asked],
    enabled: asked.length >= 2,
    placeholderData: keepPreviousData,
    queryFn: () =>
      data(
        api.GET("/v1/leads", {
          params: { query: { q: asked, limit: 20, columns: "name,phone,status" } },
        }),
      ),
  });
  const value = textOf(props.value);
  const options = (found.data?.leads ?? []).map((lead) => ({
    value: lead.lead_id ?? "",
    label: [lead.name, lead.phone].filter(Boolean).join(" · ") || (lead.lead_id ?? ""),
  }));
  const known = options.some((one) => one.value === value);
  return (
    <Select
      {...useAround(props)}
      placeholder="Type a name, an e-mail or digits of a number"
      value={value === "" ? null : value}
      data={known || value === "" ? options : [{ value, label: value }, ...options]}
      filter={({ options }) => options}
      nothingFoundMessage={asked.length < 2 ? "Type two letters or digits" : "Nothing found"}
      onSearchChange={setText}
      onChange={(chosen) => props.onChange(chosen ?? "")}
    />
  );
}

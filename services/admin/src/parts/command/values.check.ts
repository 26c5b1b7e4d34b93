import type { FieldSchema } from "../../api/commands";

const UUID = "00000000-0000-4000-8000-000000000001";

/** Texts of which one fits each pattern that commands have. */
const TEXTS = [
  "sample",
  "09:30",
  "DE",
  UUID,
  `user:${UUID}`,
  "name",
  "abcdefghij",
  "0".repeat(64),
  "+4930123456",
] as const;

/** A value that fits the schema, as whole as can be. For tests. */
export function sample(schema: FieldSchema): unknown {
  if (schema["x-filter"]) return { op: "is_empty", field: "name" };
  if (schema.enum !== undefined) return schema.enum[0];
  const option = (schema.anyOf ?? schema.oneOf)?.find((one) => one.type !== "null");
  if (option !== undefined) return sample(option);
  switch (schema.type) {
    case "array":
      return [sample(schema.items ?? {})];
    case "boolean":
      return true;
    case "integer":
    case "number":
      return Math.max(1, schema.minimum ?? 1);
    case "object":
      if (schema.properties === undefined) return { a: "b" };
      return Object.fromEntries(
        Object.entries(schema.properties).map(([name, one]) => [name, sample(one)]),
      );
    default:
      return sampleText(schema);
  }
}

function sampleText({ format, pattern }: FieldSchema): string {
  if (format === "date-time") return "2026-07-01T14:02:00+02:00";
  if (format === "date") return "2026-07-01";
  const found = TEXTS.find((text) => new RegExp(pattern ?? "").test(text));
  if (found === undefined) throw new Error(`no sample fits ${pattern}`);
  return found;
}

/** Where and why a value does not fit the schema; empty when it does. For tests. */
export function mismatches(schema: FieldSchema, value: unknown, at = ""): string[] {
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) {
    const fits = options.some((one) => mismatches(one, value, at).length === 0);
    return fits ? [] : [`${at}: fits none of ${options.length}`];
  }
  if (schema["x-filter"]) return isObject(value) ? [] : [`${at}: is no filter`];
  if (schema.enum !== undefined) return schema.enum.includes(value) ? [] : [`${at}: is not listed`];
  switch (schema.type) {
    case "null":
      return value === null ? [] : [`${at}: is not null`];
    case "array":
      return listMismatches(schema, value, at);
    case "object":
      return objectMismatches(schema, value, at);
    case "boolean":
      return typeof value === "boolean" ? [] : [`${at}: is no boolean`];
    case "integer":
    case "number":
      return numberMismatches(schema, value, at);
    case "string":
      return textMismatches(schema, value, at);
    default:
      return [];
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function listMismatches(schema: FieldSchema, value: unknown, at: string): string[] {
  if (!Array.isArray(value)) return [`${at}: is no list`];
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, items = {} } = schema;
  const size = value.length < minItems || value.length > maxItems ? [`${at}: size`] : [];
  return [...size, ...value.flatMap((one, index) => mismatches(items, one, `${at}/${index}`))];
}

function objectMismatches(schema: FieldSchema, value: unknown, at: string): string[] {
  if (!isObject(value)) return [`${at}: is no object`];
  const known = schema.properties ?? {};
  const more = schema.additionalProperties;
  const missing = (schema.required ?? []).filter((name) => value[name] === undefined);
  return [
    ...missing.map((name) => `${at}/${name}: is missing`),
    ...Object.entries(value).flatMap(([name, one]) => {
      const inside = known[name] ?? (typeof more === "object" ? more : undefined);
      if (inside !== undefined) return mismatches(inside, one, `${at}/${name}`);
      return more === false ? [`${at}/${name}: is not known`] : [];
    }),
  ];
}

function numberMismatches(schema: FieldSchema, value: unknown, at: string): string[] {
  if (typeof value !== "number") return [`${at}: is no number`];
  if (schema.type === "integer" && !Number.isInteger(value)) return [`${at}: is not whole`];
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  return value < minimum || value > maximum ? [`${at}: is out of bounds`] : [];
}

function textMismatches(schema: FieldSchema, value: unknown, at: string): string[] {
  if (typeof value !== "string") return [`${at}: is no text`];
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern, format } = schema;
  if (value.length < minLength || value.length > maxLength) return [`${at}: length`];
  if (pattern !== undefined && !new RegExp(pattern).test(value)) return [`${at}: pattern`];
  if (format === "date-time" && !/T.*([+-]\d\d:\d\d|Z)$/.test(value)) return [`${at}: no offset`];
  return [];
}

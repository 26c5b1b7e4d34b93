import type { CommandSpec } from "../../api/commands";
import { gapsOf } from "../../leads/filter/operators";
import { readFilter } from "../../leads/filter/text";
import type { Tree } from "../../leads/filter/tree";
import { ZONE } from "../Moment";
import { fieldsOf, type Shape } from "./shapes";

/** What a form holds: like the body, but with "" or nothing where nothing is filled in. */
export type Values = Record<string, unknown>;

/** A value that the service would refuse, told before it is asked. */
export interface Fault {
  pointer: string;
  detail: string;
}

/** One step of a JSON pointer (RFC 6901). */
export function step(part: string | number): string {
  return `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** What stands in one field when its form opens. */
export function startOf(shape: Shape, given: unknown): unknown {
  if (shape.meaning === "object") {
    if (given === undefined && !shape.required && shape.nullable) return null;
    const inside = isRecord(given) ? given : {};
    return startAll(shape.fields ?? [], inside);
  }
  if (given !== undefined) return given;
  if (shape.meaning === "zone" && !shape.nullable) return ZONE;
  if (shape.preset !== undefined) return shape.preset;
  if (shape.nullable) return null;
  if (shape.meaning === "boolean") return false;
  if (shape.meaning === "list") return [];
  if (shape.meaning === "map" || shape.meaning === "template") return {};
  return "";
}

function startAll(shapes: readonly Shape[], given: Values): Values {
  return Object.fromEntries(shapes.map((one) => [one.name, startOf(one, given[one.name])]));
}

/** What stands in a command's form when it opens: what is given, else what the service takes. */
export function startValues(command: CommandSpec, initial: Values = {}): Values {
  return startAll(fieldsOf(command), initial);
}

/** The body that a form's values make, and what is still wrong with them. */
export function bodyOf(command: CommandSpec, values: Values): { body: Values; faults: Fault[] } {
  const faults: Fault[] = [];
  const shapes = fieldsOf(command);
  const body = cleanAll(shapes, values, "", faults);
  // The body of a command on many is the list itself.
  if (command.schema.type === "array") return { body: (body.items ?? []) as Values, faults };
  return { body, faults };
}

function cleanAll(
  shapes: readonly Shape[],
  values: Values,
  pointer: string,
  faults: Fault[],
): Values {
  const body: Values = {};
  for (const shape of shapes) {
    const value = clean(shape, values[shape.name], pointer + step(shape.name), faults);
    if (value !== undefined) body[shape.name] = value;
  }
  return body;
}

/** The value as it is sent; undefined when the field is left out. */
function clean(shape: Shape, value: unknown, pointer: string, faults: Fault[]): unknown {
  switch (shape.meaning) {
    case "list":
      return cleanList(shape, value, pointer, faults);
    case "object":
      return cleanObject(shape, value, pointer, faults);
    case "map":
    case "template":
      return cleanMap(shape, value);
    case "filter":
      return cleanFilter(shape, value, pointer, faults);
    case "boolean":
      if (isEmpty(value)) return shape.required ? (shape.nullable ? null : false) : undefined;
      return value;
    default:
      return cleanScalar(shape, value, pointer, faults);
  }
}

function cleanList(shape: Shape, value: unknown, pointer: string, faults: Fault[]): unknown {
  const item = shape.item;
  if (item === undefined || !Array.isArray(value)) {
    if (!shape.required) return undefined;
    if (shape.nullable) return null;
    value = [];
  }
  const kept: unknown[] = [];
  for (const [index, one] of (value as unknown[]).entries()) {
    if (isEmpty(one) || item === undefined) continue;
    kept.push(clean(item, one, pointer + step(index), faults));
  }
  const least = shape.schema.minItems ?? 0;
  if (kept.length === 0 && !shape.required && (!shape.nullable || least > 0)) return undefined;
  if (kept.length < least) faults.push({ pointer, detail: "Give at least one." });
  return kept;
}

function cleanObject(shape: Shape, value: unknown, pointer: string, faults: Fault[]): unknown {
  if (!isRecord(value)) {
    if (shape.nullable) return shape.required ? null : undefined;
    value = {};
  }
  const body = cleanAll(shape.fields ?? [], value as Values, pointer, faults);
  if (shape.schema.title === "FieldSpec") typeDefault(body);
  if (Object.keys(body).length === 0 && !shape.required && !shape.nullable) return undefined;
  return body;
}

/** A template field's default is typed in as text; it is sent as what the field's type says. */
function typeDefault(field: Values): void {
  if (typeof field.default !== "string") return;
  if (field.type === "number" && field.default.trim() !== "" && !Number.isNaN(+field.default)) {
    field.default = Number(field.default);
  }
  if (field.type === "boolean" && (field.default === "true" || field.default === "false")) {
    field.default = field.default === "true";
  }
}

function cleanMap(shape: Shape, value: unknown): unknown {
  if (!isRecord(value)) {
    if (!shape.required) return undefined;
    return shape.nullable ? null : {};
  }
  const kept = Object.entries(value).filter(([key, one]) => key !== "" && !isEmpty(one));
  if (kept.length === 0 && !shape.required && !shape.nullable) return undefined;
  return Object.fromEntries(kept);
}

function cleanFilter(shape: Shape, value: unknown, pointer: string, faults: Fault[]): unknown {
  if (isEmpty(value)) {
    if (shape.required && !shape.nullable) faults.push({ pointer, detail: "Fill this in." });
    const told = shape.emptied === true && value !== undefined;
    return told || (shape.required && shape.nullable) ? null : undefined;
  }
  if (typeof value === "string") {
    // The text of a filter that is a filter is a tree by now.
    try {
      readFilter(value);
    } catch (error) {
      faults.push({ pointer, detail: error instanceof Error ? error.message : String(error) });
    }
    return undefined;
  }
  for (const gap of gapsOf(value as Tree)) {
    faults.push({ pointer: pointer + gap, detail: "Say which, or take the condition out." });
  }
  return value;
}

function cleanScalar(shape: Shape, value: unknown, pointer: string, faults: Fault[]): unknown {
  const told = typeof value === "string" && shape.meaning !== "longtext" ? value.trim() : value;
  if (isEmpty(told)) {
    if (!shape.required) return undefined;
    if (shape.nullable) return null;
    faults.push({ pointer, detail: "Fill this in." });
    return undefined;
  }
  const detail = faultOf(shape, told);
  if (detail !== "") faults.push({ pointer, detail });
  return told;
}

function faultOf(shape: Shape, value: unknown): string {
  const { type, minimum, maximum, minLength, maxLength, pattern } = shape.schema;
  if (type === "integer" || type === "number") {
    if (typeof value !== "number") return "This is not a number.";
    if (type === "integer" && !Number.isInteger(value)) return "Give a whole number.";
    if (minimum !== undefined && value < minimum) return `Give ${minimum} or more.`;
    if (maximum !== undefined && value > maximum) return `Give ${maximum} or less.`;
    return "";
  }
  if (typeof value !== "string") return "";
  if (minLength !== undefined && value.length < minLength) return "This is too short.";
  if (maxLength !== undefined && [...value].length > maxLength) {
    return `Give ${maxLength} characters at most.`;
  }
  if (pattern !== undefined && !new RegExp(pattern).test(value)) return patternFault(shape.meaning);
  return "";
}

function patternFault(meaning: Shape["meaning"]): string {
  if (meaning === "time") return "Give a time such as 09:30.";
  return "This does not have the form that is needed.";
}

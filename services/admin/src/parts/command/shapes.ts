import type { CommandSpec, FieldSchema } from "../../api/commands";
import { fieldHelp, fieldLabel } from "./words";

/** What a field is about, which decides how one fills it in. */
export type Meaning =
  | "boolean"
  | "campaign"
  | "choice"
  | "column"
  | "date"
  | "email"
  | "field"
  | "filter"
  | "instant"
  | "integer"
  | "lead"
  | "list"
  | "longtext"
  | "map"
  | "number"
  | "object"
  | "owner"
  | "phone"
  | "pool"
  | "priority"
  | "scalar"
  | "segment"
  | "status"
  | "team"
  | "template"
  | "text"
  | "time"
  | "user"
  | "view"
  | "weekday"
  | "zone";

/** A field of a form: its name in the body, and all that is known of what may stand there. */
export interface Shape {
  name: string;
  label: string;
  help: string;
  required: boolean;
  /** Whether `null` is a value: nothing, or "leave it as it is". */
  nullable: boolean;
  /** Whether `null` takes away what was there, while what is left out stays. */
  emptied?: boolean;
  meaning: Meaning;
  /** The schema of a value that is not null. */
  schema: FieldSchema;
  /** What the service takes when the field is left out; undefined when nothing is said. */
  preset: unknown;
  fields?: readonly Shape[];
  item?: Shape;
}

const IDS: Record<string, Meaning> = {
  agent: "user",
  agents: "user",
  campaign_id: "campaign",
  other_lead_id: "lead",
  lead_id: "lead",
  parent: "team",
  pool_id: "pool",
  segment_id: "segment",
  target_campaign_id: "campaign",
  team: "team",
  user: "user",
};
const OF_STATUSES = new Set(["ActivateStatus", "ChangeStatusCatalogue", "DeactivateStatus"]);
const EMPTIED = new Set(["ChangeSegment.filter"]);
const LONG_FROM = 1000;
const UUID = "[0-9a-f]{8}-";

function meaningOfText(command: string, name: string, schema: FieldSchema): Meaning {
  const pattern = schema.pattern ?? "";
  if (schema.format === "date-time") return "instant";
  if (schema.format === "date") return "date";
  if (pattern.startsWith("^(team|user):")) return "owner";
  if (pattern.includes("[a-z_]{1,40}")) return "view";
  if (pattern.startsWith(`^${UUID}`)) return IDS[name] ?? "text";
  if (pattern.includes("(fields|contacts)")) return "column";
  if (pattern.includes("[01][0-9]")) return "time";
  if (name === "zone") return "zone";
  if (name === "status" || name === "next_status" || name === "result") return "status";
  if (name === "code" && OF_STATUSES.has(command)) return "status";
  if (name === "unset" || (name === "remove" && command === "ChangeTemplate")) return "field";
  if (name === "phone" || name === "number") return "phone";
  if (name === "email" || name === "recipients") return "email";
  return (schema.maxLength ?? 0) >= LONG_FROM ? "longtext" : "text";
}

function meaningOf(command: string, name: string, schema: FieldSchema): Meaning {
  if (schema["x-filter"]) return "filter";
  if (schema.enum !== undefined) return "choice";
  if (schema.anyOf !== undefined) return "scalar";
  switch (schema.type) {
    case "array":
      return "list";
    case "object":
      if (schema.properties !== undefined) return "object";
      return name === "fields" || name === "set" ? "template" : "map";
    case "boolean":
      return "boolean";
    case "number":
      return "number";
    case "integer":
      if (name === "weekdays") return "weekday";
      return name === "priority" ? "priority" : "integer";
    default:
      return meaningOfText(command, name, schema);
  }
}

/** The schema without "or null", and whether that was in it. */
function bare(schema: FieldSchema): { schema: FieldSchema; nullable: boolean } {
  const options = schema.anyOf;
  if (options === undefined) return { schema, nullable: false };
  const rest = options.filter((one) => one.type !== "null");
  const nullable = rest.length < options.length;
  const only = rest.length === 1 ? rest[0] : undefined;
  if (only !== undefined) return { schema: only, nullable };
  return { schema: { ...schema, anyOf: rest }, nullable };
}

/** What is known of one field of a command. */
export function shapeOf(
  command: string,
  name: string,
  whole: FieldSchema,
  required: boolean,
): Shape {
  const { schema, nullable } = bare(whole);
  const meaning = meaningOf(command, name, schema);
  const shape: Shape = {
    name,
    label: fieldLabel(name),
    help: fieldHelp(command, name, meaning === "object" ? "" : whole.description),
    required,
    nullable,
    meaning,
    schema,
    preset: whole.default,
  };
  if (EMPTIED.has(`${command}.${name}`)) shape.emptied = true;
  if (meaning === "list") shape.item = shapeOf(command, name, schema.items ?? {}, true);
  if (meaning === "object") shape.fields = shapesOf(command, schema);
  return shape;
}

function shapesOf(command: string, schema: FieldSchema): readonly Shape[] {
  const required = new Set(schema.required);
  const shapes = Object.entries(schema.properties ?? {}).map(([name, one]) =>
    shapeOf(command, name, one, required.has(name)),
  );
  return shapes.toSorted((a, b) => rank(a) - rank(b));
}

const WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const FIRST = [
  "campaign_id",
  "target_campaign_id",
  "phone",
  "import_name",
  "name",
  "user",
  "start",
];

/** Needed fields come first, days stand as in a week, long and deep fields come last. */
function rank(shape: Shape): number {
  const day = WEEK.indexOf(shape.name);
  if (day >= 0) return day;
  const first = FIRST.indexOf(shape.name);
  if (first >= 0) return first - 100;
  const deep = ["object", "list", "map", "filter"].includes(shape.meaning) ? 200 : 0;
  return deep + (shape.required ? 10 : 50);
}

/** The fields of a command's form. A command that takes a list has one field, `items`. */
export function fieldsOf(command: CommandSpec): readonly Shape[] {
  if (command.schema.type !== "array") return shapesOf(command.name, command.schema);
  return [shapeOf(command.name, "items", command.schema, true)];
}

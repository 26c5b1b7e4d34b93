import { describe, expect, test } from "vitest";
import { type CommandSpec, commandNamed, commands, type FieldSchema } from "../../api/commands";
import { fromClock, toClock } from "./instants";
import { fieldsOf } from "./shapes";
import { bodyOf, startValues } from "./values";
import { mismatches, sample } from "./values.check";

describe("every command", () => {
  test.each(commands.map((command) => [command.name, command] as const))(
    "%s: what needs to be filled in makes a body that fits",
    (_name, command) => {
      const made = bodyOf(command, startValues(command, needed(command)));
      expect(made.faults).toEqual([]);
      expect(mismatches(command.schema, made.body)).toEqual([]);
    },
  );

  test.each(commands.map((command) => [command.name, command] as const))(
    "%s: all that can be filled in makes a body that fits",
    (_name, command) => {
      const made = bodyOf(command, startValues(command, whole(command)));
      expect(made.faults).toEqual([]);
      expect(mismatches(command.schema, made.body)).toEqual([]);
      if (command.schema.type !== "array") {
        const names = Object.keys(command.schema.properties ?? {});
        expect(Object.keys(made.body).toSorted()).toEqual(names.toSorted());
      }
    },
  );

  test.each(commands.map((command) => [command.name, command] as const))(
    "%s: an empty form names each field that is missing and sends nothing else",
    (_name, command) => {
      const made = bodyOf(command, {});
      const missing = new Set(made.faults.map((fault) => fault.pointer.split("/")[1]));
      for (const name of missing) expect(command.schema.required).toContain(name);
      for (const shape of fieldsOf(command)) {
        if (!shape.required) expect(made.body).not.toHaveProperty(shape.name);
      }
    },
  );
});

function needed(command: CommandSpec): Record<string, unknown> {
  if (command.schema.type === "array") return { items: [sample(command.schema.items ?? {})] };
  const required = command.schema.required ?? [];
  const properties = command.schema.properties ?? {};
  return Object.fromEntries(required.map((name) => [name, sample(properties[name] ?? {})]));
}

function whole(command: CommandSpec): Record<string, unknown> {
  if (command.schema.type === "array") return { items: [sample(command.schema.items ?? {})] };
  return sample(command.schema) as Record<string, unknown>;
}

describe("what is left out and what is nothing", () => {
  const made = (name: string, values: Record<string, unknown>) =>
    bodyOf(commandNamed(name), values);

  test("an optional field that is empty is left out, blanks count as empty", () => {
    expect(made("Suppress", { reason: "  ", until: "" }).body).toEqual({});
  });

  test("null is sent where it takes something away", () => {
    const owner = "team:00000000-0000-0000-0000-000000000001";
    expect(made("SetOwnershipCode", { owner, ownership_code: "" }).body).toEqual({
      owner,
      ownership_code: null,
    });
  });

  test("a filter that was taken out is taken away", () => {
    expect(made("ChangeSegment", { filter: null }).body).toEqual({ filter: null });
    expect(made("CreateSegment", { filter: null, name: "x" }).body).toMatchObject({ name: "x" });
  });

  test("a list that may be left as it is, is sent empty only when somebody emptied it", () => {
    expect(made("ChangeSegment", { agents: null }).body).toEqual({});
    expect(made("ChangeSegment", { agents: [] }).body).toEqual({ agents: [] });
  });

  test("a template field's default is sent by its type", () => {
    const put = [{ import_name: "age", type: "number", default: "18" }];
    expect(made("ChangeTemplate", { put }).body).toEqual({
      put: [{ import_name: "age", type: "number", default: 18 }],
    });
  });

  test("what is wrong is named where it is", () => {
    expect(made("SetPriority", { priority: 11 }).faults).toEqual([
      { pointer: "/priority", detail: "Give 10 or less." },
    ]);
    const hours = { monday: [{ start: "9", end: "17:00" }] };
    expect(made("ChangeDiallingHours", { hours }).faults).toEqual([
      { pointer: "/hours/monday/0/start", detail: "Give a time such as 09:30." },
    ]);
    expect(made("SetCallback", {}).faults).toEqual([{ pointer: "/at", detail: "Fill this in." }]);
  });
});

test("what the viewer's clock shows is sent with its offset, and comes back the same", () => {
  const instant = fromClock("2026-07-01T14:02");
  expect(instant).toMatch(/^2026-07-01T14:02:00[+-]\d\d:\d\d$/);
  expect(new Date(instant).getTime()).toBe(new Date(2026, 6, 1, 14, 2).getTime());
  expect(toClock(instant)).toBe("2026-07-01T14:02");
  expect(fromClock("")).toBe("");
  expect(toClock("never")).toBe("");
});

test("the check itself sees what does not fit", () => {
  const schema: FieldSchema = commandNamed("SetPriority").schema;
  expect(mismatches(schema, { priority: 5 })).toEqual([]);
  expect(mismatches(schema, { priority: "5" })).not.toEqual([]);
  expect(mismatches(schema, {})).not.toEqual([]);
  expect(mismatches(schema, { priority: 5, other: 1 })).not.toEqual([]);
});

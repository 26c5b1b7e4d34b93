import { expect, test } from "vitest";
import { commandNamed } from "../../api/commands";
import { oppositeOf } from "./undo";
import { bodyOf } from "./values";

const BEFORE = {
  status: "ready",
  owner: "team:00000000-0000-4000-8000-000000000001",
  priority: 5,
  fields: { age: 30, city: "Porto" },
};

test.each([
  ["Suppress", {}, { name: "Unsuppress", body: {} }],
  ["Deactivate", {}, { name: "Activate", body: {} }],
  ["ChangeStatus", { status: "paused" }, { name: "RestoreStatus", body: {} }],
  ["SetPriority", { priority: 9 }, { name: "SetPriority", body: { priority: 5 } }],
  [
    "UpdateFields",
    { set: { age: 31, street: "Main" }, unset: ["city"] },
    { name: "UpdateFields", body: { set: { age: 30, city: "Porto" }, unset: ["street"] } },
  ],
  [
    "ChangeOwner",
    { owner: "user:00000000-0000-4000-8000-000000000002" },
    { name: "ChangeOwner", body: { owner: BEFORE.owner, retain_private_vip: false } },
  ],
])("%s is taken back by its opposite, which fits", (name, body, expected) => {
  const found = oppositeOf({ name, body }, BEFORE, "admin");
  expect(found).toEqual(expected);
  if (found !== null) expect(bodyOf(commandNamed(found.name), found.body).faults).toEqual([]);
});

test("an agent brings a status back by setting it, for they may not restore it", () => {
  const found = oppositeOf({ name: "ChangeStatus", body: { status: "paused" } }, BEFORE, "agent");
  expect(found).toEqual({ name: "ChangeStatus", body: { status: "ready" } });
});

test("nothing is offered for what cannot be taken back, or not by that role", () => {
  expect(oppositeOf({ name: "DeleteLead", body: {} }, BEFORE, "admin")).toBeNull();
  expect(oppositeOf({ name: "Suppress", body: {} }, BEFORE, "agent")).toBeNull();
});

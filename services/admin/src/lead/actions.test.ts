import { expect, test } from "vitest";
import { commands } from "../api/commands";
import { GROUPS, offered } from "./actions";
import type { Lead } from "./queries";

const LEAD = { active: true, suppressed: false, segment_id: null, merged_into: null } as Lead;

// What is about a part of the lead stands beside that part; two come from elsewhere.
const BESIDE_A_PART = [
  "CancelMessage",
  "EditNote",
  "RejectContract",
  "RemoveContact",
  "RemoveNote",
  "ReorderContacts",
  "ResendContract",
  "RetryMessage",
  "UnmergeLeads",
  "UpdateContact",
];
const ELSEWHERE = ["DeleteUnprocessed", "ReportMessage"];

test("every command on one lead can be given from its page", () => {
  const all = commands
    .filter((one) => one.path.startsWith("/v1/leads/{id}/"))
    .map((one) => one.name);
  const here = [...GROUPS.flatMap(([, names]) => names), ...BESIDE_A_PART, ...ELSEWHERE];
  expect(here.toSorted()).toEqual(all.toSorted());
});

test("only what the role may do and what can do anything is offered", () => {
  const names = (role: string, lead: Lead) =>
    offered(role, lead).flatMap(([, some]) => some.map((one) => one.name));
  expect(names("agent", LEAD)).toContain("ChangeStatus");
  expect(names("agent", LEAD)).not.toContain("DeleteLead");
  expect(names("auditor", LEAD)).toEqual([]);
  expect(names("admin", LEAD)).toContain("Deactivate");
  expect(names("admin", LEAD)).not.toContain("Activate");
  expect(names("admin", { ...LEAD, deleted: true })).toEqual([]);
});

import { expect, test } from "vitest";
import { byReason, doubledFields, proposedFields, settingsWith } from "./mapping";
import type { Proposal, Settings } from "./queries";

const PROPOSAL: Proposal = {
  encoding: "windows-1252",
  delimiter: ";",
  header: true,
  columns: [
    { column: 1, header: "Mobile", field: "phone", because: "usual name", samples: [] },
    { column: 2, header: "Shoe size", field: null, because: "", samples: [] },
    { column: 3, header: "First", field: "name", because: "usual name", samples: [] },
  ],
  warnings: [],
  first_rows: [],
  fields: {},
  settings: null,
};

test("columns that are not proposed are ignored, and the file is read as proposed", () => {
  const settings = settingsWith(proposedFields(PROPOSAL), PROPOSAL, null, "clients.csv");
  expect(settings.columns).toEqual([
    { column: 1, field: "phone" },
    { column: 3, field: "name" },
  ]);
  expect(settings).toMatchObject({
    delimiter: ";",
    encoding: "windows-1252",
    pool_name: "clients",
  });
});

test("settings that were saved stay when the columns change", () => {
  const before = settingsWith({ 1: "phone" }, PROPOSAL, null, "a.csv");
  const saved: Settings = { ...before, duplicates: "update", pool_id: "p", pool_name: null };
  const settings = settingsWith({ 3: "phone" }, PROPOSAL, saved, "a.csv");
  expect(settings).toMatchObject({ duplicates: "update", pool_id: "p", pool_name: null });
  expect(settings.columns).toEqual([{ column: 3, field: "phone" }]);
});

test("only a name may be in several columns", () => {
  expect(doubledFields({ 1: "phone", 2: "name", 3: "name", 4: "phone" })).toEqual(["phone"]);
});

test("refused rows are told by reason, the most frequent first", () => {
  const number = { code: "phone-not-e164", detail: "Write the number so.", field: "phone" };
  const age = { code: "field-not-number", detail: "Age must be a number.", field: "age" };
  expect(
    byReason([
      { row: 4, reasons: [age, number] },
      { row: 5, reasons: [number] },
    ]),
  ).toEqual([
    { code: "phone-not-e164", detail: "Write the number so.", count: 2, rows: [4, 5] },
    { code: "field-not-number", detail: "Age must be a number.", count: 1, rows: [4] },
  ]);
});

import { expect, test } from "vitest";
import { international, isNumber } from "./numbers";

test("a number is looked for in international form, however it was typed", () => {
  expect(international("+1 (415) 555-0100")).toBe("+14155550100");
  expect(international("0014155550100")).toBe("+14155550100");
  expect(international("14155550100")).toBe("+14155550100");
  expect(international("  ")).toBe("");
});

test("what is too short or too long is no number", () => {
  expect(isNumber("+14")).toBe(false);
  expect(isNumber("+14155550100")).toBe(true);
  expect(isNumber("+1234567890123456")).toBe(false);
});

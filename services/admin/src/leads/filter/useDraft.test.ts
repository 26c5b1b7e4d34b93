import { expect, test } from "vitest";
import { gapsOf } from "./operators";
import type { Tree } from "./tree";
import { placed } from "./useDraft";

const NAMELESS: Tree = { op: "is_empty", field: "name" };
const UNSAID: Tree = { op: "in", field: "status", values: [] };

test("what says too little is named by its place", () => {
  expect(gapsOf(UNSAID)).toEqual([""]);
  expect(gapsOf({ op: "and", of: [NAMELESS, { op: "not", of: UNSAID }] })).toEqual(["/of/1/of"]);
  expect(gapsOf({ op: "or", of: [] })).toEqual([""]);
  expect(gapsOf(NAMELESS)).toEqual([]);
});

test("a fault of a single condition stands at it in the group that is drawn around", () => {
  const reason = { code: "", detail: "", pointer: "/filter/field" };
  const drawn: Tree = { op: "and", of: [NAMELESS] };
  const [alone] = placed([reason], { tree: drawn, asked: NAMELESS });
  expect(alone?.pointer).toBe("/of/0/field");
  const both: Tree = { op: "and", of: [NAMELESS, UNSAID] };
  const [second] = placed([{ ...reason, pointer: "/filter/of/1/field" }], {
    tree: both,
    asked: both,
  });
  expect(second?.pointer).toBe("/of/1/field");
});

import { expect, test } from "vitest";
import { pastFilter } from "./filter";

const READY = { op: "in", field: "status", values: ["ready"] };

test("nothing asked is all leads", () => {
  expect(pastFilter("  ", [], undefined)).toBeNull();
});

test("one thing asked stands alone, several hold together", () => {
  expect(pastFilter("", ["ready"], undefined)).toEqual(READY);
  expect(pastFilter("ann", ["ready"], '{"op": "is_empty", "field": "owner"}')).toEqual({
    op: "and",
    of: [{ op: "is_empty", field: "owner" }, { op: "search", value: "ann" }, READY],
  });
});

test("an address that holds no filter asks for nothing", () => {
  expect(pastFilter("", [], "{not json")).toBeNull();
  expect(pastFilter("", [], "3")).toBeNull();
});

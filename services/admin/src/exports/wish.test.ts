import { expect, test } from "vitest";
import { bodyOf, type Wish } from "./wish";

const WISH: Wish = {
  name: "",
  view: "mine",
  filter: null,
  columns: [],
  format: "csv",
  contacts: false,
  recipients: [],
};

test("a view is exported by its name", () => {
  expect(bodyOf(WISH, "My leads", "UTC")).toMatchObject({ name: "My leads", view: "mine" });
});

test("a filter takes the place of the view", () => {
  const body = bodyOf({ ...WISH, filter: "status = ready" }, "leads", "UTC");
  expect(body.filter).toEqual({ op: "equals", field: "status", value: "ready" });
  expect(body).not.toHaveProperty("view");
});

test("a filter that cannot be read is not left out", () => {
  expect(() => bodyOf({ ...WISH, filter: "status =" }, "leads", "UTC")).toThrow();
});

import { expect, test } from "vitest";
import { base64, faultOf, laidOut } from "./payload";

test("a payload is laid out where it is JSON, and left as it is where not", () => {
  expect(laidOut('{"call_id":"g-1"}')).toBe('{\n  "call_id": "g-1"\n}');
  expect(laidOut("call_id=g-1")).toBe("call_id=g-1");
});

test("only a JSON object can be a call", () => {
  expect(faultOf('{"call_id": "g-1"}')).toBeNull();
  expect(faultOf("[]")).toBe("A call is one JSON object.");
  expect(faultOf("{")).not.toBeNull();
});

test("mended text travels as its UTF-8 bytes", () => {
  expect(base64("é")).toBe("w6k=");
});

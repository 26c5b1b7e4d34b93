import { expect, test } from "vitest";
import { base32, makeKey } from "./newKey";

test("a key is made as the service makes and reads them", async () => {
  const counting = (bytes: number) => Uint8Array.from({ length: bytes }, (_, place) => place + 1);
  // What services.kit.auth.make_key gives for the same bytes.
  expect(await makeKey(counting)).toEqual({
    text: "lk_aebagbafay_aebagbafaydqqcikbmga2dqpcaireeyuj7hgd5",
    key_id: "aebagbafay",
    secret_hash: "848423ba35ff67ba3624659eb9ebae1168ec11e215834ef10df916eee4ebdcb1",
  });
});

test("base32 is that of RFC 4648, in small letters", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  expect(base32(bytes("foobar"))).toBe("mzxw6ytboi");
  expect(base32(bytes("fo"))).toBe("mzxq");
});

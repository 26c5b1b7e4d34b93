const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
const ID_LETTERS = 10;
const CHECK_LETTERS = 6;

/** A key just made. `text` is shown once; the service is told the id and the hash only. */
export interface NewKey {
  text: string;
  key_id: string;
  secret_hash: string;
}

/** Bytes in base32, in small letters, without padding. */
export function base32(bytes: Uint8Array): string {
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += LETTERS[(held >> bits) & 31];
      held &= (1 << bits) - 1;
    }
  }
  return bits > 0 ? text + LETTERS[(held << (5 - bits)) & 31] : text;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** Makes a key from 160 bits of the browser's randomness, as `services.kit.auth` reads them. */
export async function makeKey(
  random: (bytes: number) => Uint8Array = (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
): Promise<NewKey> {
  const key_id = base32(random(7)).slice(0, ID_LETTERS);
  const secret = base32(random(20));
  const check = base32((await sha256(`check ${key_id} ${secret}`)).slice(0, 5));
  const hash = await sha256(`leads api key ${key_id} ${secret}`);
  return {
    text: `lk_${key_id}_${secret}${check.slice(0, CHECK_LETTERS)}`,
    key_id,
    secret_hash: Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}

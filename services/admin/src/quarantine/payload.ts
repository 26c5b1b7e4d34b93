/** A payload laid out to be read; as it is where it is no JSON. */
export function laidOut(raw: string): string {
  try {
    return JSON.stringify(JSON.parse(raw), null, 2);
  } catch {
    return raw;
  }
}

/** Why a text is no JSON object, or null. A payload that is none is held again. */
export function faultOf(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
    return isObject ? null : "A call is one JSON object.";
  } catch (error) {
    return error instanceof Error ? error.message : "This is no JSON.";
  }
}

/** The bytes of a text in base64, as mended payloads travel. */
export function base64(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** What to do about a payload that is held for this reason. */
export const WHAT_TO_DO: Record<string, string> = {
  "lead-unknown": "Create the lead, or mend the payload: name the lead or the campaign.",
  "number-unknown": "Create the lead, or mend the payload: name the lead or the campaign.",
  "number-ambiguous": "Mend the payload: name the lead or the campaign.",
  "campaign-unknown": "Give the campaign that code, or mend the payload.",
  "agent-unknown": "Give the user that code, or mend the payload.",
  "end-cause-unknown": "Mend the payload, and the dialer.",
  "call-invalid": "Mend the payload, and the dialer.",
  "not-json": "Mend the payload, and the dialer.",
  "number-not-e164": "Mend the payload, and the dialer.",
  "call-in-future": "Set the dialer's clock; mend the payload, or wait.",
  "call-id-reused": "The id is another lead's call: mend the payload, or discard it.",
  "payload-too-large": "Shorten it, mend it or discard it.",
  "not-storable": "Look at it: shorten, mend or discard it.",
  "intake-failed": "This is our mistake; the log of the intake says where. Reprocess it later.",
};

/** A number as it was typed, in international form: "001 (415) 555-0100" is "+14155550100". */
export function international(typed: string): string {
  const digits = typed.replaceAll(/\D/g, "").replace(/^00/, "");
  return digits === "" ? "" : `+${digits}`;
}

/** Whether a number can be looked for. */
export function isNumber(number: string): boolean {
  return /^\+[0-9]{3,15}$/.test(number);
}

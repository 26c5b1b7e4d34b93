const NAMES = new Intl.DisplayNames(undefined, { type: "region", fallback: "none" });
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/** Codes that have a name and are no country with numbers of its own. */
const NO_COUNTRIES = new Set(["EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"]);

/** Every country by its code, in the order of their names in the reader's language. */
export function regions(): { value: string; label: string }[] {
  const found: { value: string; label: string }[] = [];
  for (const first of LETTERS) {
    for (const second of LETTERS) {
      const value = first + second;
      const name = NO_COUNTRIES.has(value) ? undefined : NAMES.of(value);
      if (name !== undefined) found.push({ value, label: `${name} (${value})` });
    }
  }
  return found.sort((a, b) => a.label.localeCompare(b.label));
}

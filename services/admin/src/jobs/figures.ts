const WHOLE = new Intl.NumberFormat();
const SIZE = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const UNITS = ["B", "kB", "MB", "GB"] as const;

/** 45211 as people read it: "45,211". */
export function figure(value: number): string {
  return WHOLE.format(value);
}

/** A number of things with their name: "1 row", "45,211 rows". */
export function many(value: number, one: string, more = `${one}s`): string {
  return `${figure(value)} ${value === 1 ? one : more}`;
}

/** The size of a file as people read it: "1.5 MB"; a kB has 1,024 bytes. */
export function fileSize(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${SIZE.format(size)} ${UNITS[unit]}`;
}

/** A code or an outcome as a word for people: "number-unknown" is "Number unknown". */
export function worded(code: string): string {
  const words = code.replaceAll(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

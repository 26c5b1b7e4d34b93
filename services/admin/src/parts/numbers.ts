const WHOLE = new Intl.NumberFormat();
const PERCENT = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

/** 45211 as people read it: "45,211". */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** A percentage of the API, 0 to 100, as people read it: "12.5 %". Almost all is not "100 %". */
export function percent(value: number): string {
  if (value > 99.9 && value < 100) return "> 99.9 %";
  if (value > 0 && value < 0.1) return "< 0.1 %";
  return `${PERCENT.format(value)} %`;
}

/** A number of things with their name: "1 lead", "45,211 leads". */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** Seconds as people read them: "3 min 20 s", "2 h 5 min". */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${count(Math.floor(seconds / 3600))} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** How many of all, in percent; of nothing it is nothing. */
export function share(part: number, all: number): string {
  return percent(all === 0 ? 0 : (100 * part) / all);
}

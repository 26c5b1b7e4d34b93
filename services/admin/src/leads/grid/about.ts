const NUMBER = new Intl.NumberFormat();

/** "45,000" of 45,211: an estimate, rounded to what is known, two digits. */
export function aboutCount(count: number): string {
  const size = 10 ** Math.max(Math.floor(Math.log10(Math.max(count, 1))) - 1, 0);
  return NUMBER.format(Math.round(count / size) * size);
}

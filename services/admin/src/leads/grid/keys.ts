/** A cell: row -1 is the header, column 0 the checkboxes. */
export interface Place {
  row: number;
  column: number;
}

/** Where a key leads to from a cell, within a grid of `rows` and `columns`; null for no move. */
export function step(
  from: Place,
  key: string,
  control: boolean,
  rows: number,
  columns: number,
  page: number,
): Place | null {
  const row = (wanted: number) => Math.max(-1, Math.min(wanted, rows - 1));
  switch (key) {
    case "ArrowDown":
      return { ...from, row: row(from.row + 1) };
    case "ArrowUp":
      return { ...from, row: row(from.row - 1) };
    case "ArrowRight":
      return { ...from, column: Math.min(from.column + 1, columns - 1) };
    case "ArrowLeft":
      return { ...from, column: Math.max(from.column - 1, 0) };
    case "PageDown":
      return { ...from, row: row(from.row + page) };
    case "PageUp":
      return { ...from, row: row(Math.max(from.row - page, 0)) };
    case "Home":
      return control ? { row: row(0), column: 0 } : { ...from, column: 0 };
    case "End":
      return control
        ? { row: row(rows - 1), column: columns - 1 }
        : { ...from, column: columns - 1 };
  }
  return null;
}

import { Checkbox, Skeleton } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import type { Names } from "../../api/queries";
import { holds, type Selection } from "../selection";
import { GridRow } from "./GridRow";
import { type Place, step } from "./keys";
import type { Lead } from "./useLeadPages";
import { type LeadColumn, usualWidth } from "./values";

const PICK_WIDTH = 38;
const HEAD_HEIGHT = 34;
const AHEAD = 40;
const WAITING_ROWS = 6;
const PAGE_ROWS = 20;

/** What the grid shows and tells. `start` is the place of the first row that is held. */
export interface GridProps {
  label: string;
  columns: readonly LeadColumn[];
  widths: Record<string, number>;
  rowHeight: number;
  rows: readonly Lead[];
  start: number;
  /** How many rows there are in all as far as is known, for those who cannot see them. */
  total: number | null;
  more: { before: boolean; after: boolean };
  names: Names;
  selection: Selection;
  fresh: ReadonlySet<string>;
  head: (column: LeadColumn, index: number, width: number, focusable: boolean) => ReactNode;
  onChoose: (ids: readonly string[], on: boolean) => void;
  onChooseAll: () => void;
  onOpen: (lead: Lead) => void;
  onNear: (edge: "before" | "after" | "start") => void;
  place: Place;
  onPlace: (place: Place) => void;
  scrolled: { current: number };
}

/** A grid of leads of which only the rows in sight are drawn; all of it works by keys. */
export function Grid(props: GridProps) {
  const { columns, widths, rowHeight, rows, start, more, selection, place, onPlace } = props;
  const scroll = useRef<HTMLDivElement>(null);
  const focusing = useRef(false);
  const [last, setLast] = useState<number | null>(null);
  const end = start + rows.length;
  const virtual = useVirtualizer({
    count: end + (more.after ? WAITING_ROWS : 0),
    getScrollElement: () => scroll.current,
    estimateSize: () => rowHeight,
    overscan: 10,
    scrollPaddingStart: HEAD_HEIGHT,
    initialOffset: props.scrolled.current,
  });
  const items = virtual.getVirtualItems();
  const first = items[0]?.index ?? 0;
  const lastShown = items.at(-1)?.index ?? 0;
  const { onNear } = props;

  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are measured anew by their height
  useEffect(() => virtual.measure(), [rowHeight]);

  useEffect(() => {
    if (more.after && lastShown >= end - AHEAD) onNear("after");
  }, [more.after, lastShown, end, onNear]);

  useEffect(() => {
    if (start === 0 || first >= start) return;
    onNear(first < start - 400 ? "start" : "before");
  }, [first, start, onNear]);

  useEffect(() => {
    if (!focusing.current) return;
    const cell = scroll.current?.querySelector<HTMLElement>(
      `[data-cell="${place.row}:${place.column}"]`,
    );
    if (!cell) return;
    focusing.current = false;
    cell.focus({ preventScroll: place.row >= 0 });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  const template = useMemo(() => {
    const each = columns.map((column) => `${widths[column.name] ?? usualWidth(column)}px`);
    return `${PICK_WIDTH}px ${each.join(" ")} 1fr`;
  }, [columns, widths]);

  const idsBetween = (from: number, to: number) => {
    const [low, high] = from < to ? [from, to] : [to, from];
    return rows.slice(Math.max(low - start, 0), high - start + 1).map((row) => row.lead_id);
  };
  const pick = (index: number, on: boolean, through: boolean) => {
    props.onChoose(idsBetween(through && last !== null ? last : index, index), on);
    setLast(index);
  };

  const keys = (event: KeyboardEvent) => {
    const lead = rows[place.row - start];
    if (event.key === "A" && event.shiftKey && !event.ctrlKey && !event.metaKey) {
      props.onChooseAll();
    } else if (event.key === "Enter" && lead !== undefined) {
      props.onOpen(lead);
    } else if (event.key === " " && lead !== undefined) {
      pick(place.row, !holds(selection, lead.lead_id), event.shiftKey);
    } else {
      const ctrl = event.ctrlKey || event.metaKey;
      const next = step(place, event.key, ctrl, end, columns.length + 1, PAGE_ROWS);
      if (next === null || event.altKey) return;
      focusing.current = true;
      if (next.row >= 0 && next.row !== place.row) virtual.scrollToIndex(next.row);
      onPlace(next);
    }
    event.preventDefault();
  };

  const allHere = rows.length > 0 && rows.every((row) => holds(selection, row.lead_id));
  const someHere = !allHere && rows.some((row) => holds(selection, row.lead_id));
  const focusRow = place.row < 0 || (place.row >= first && place.row <= lastShown);
  return (
    <div
      ref={scroll}
      className="grid-scroll"
      onScroll={(event) => {
        props.scrolled.current = event.currentTarget.scrollTop;
      }}
    >
      {/* biome-ignore lint/a11y/useSemanticElements: not all rows are drawn */}
      <div
        role="grid"
        aria-label={props.label}
        aria-rowcount={props.total === null ? -1 : props.total + 1}
        aria-colcount={columns.length + 1}
        aria-multiselectable
        tabIndex={-1}
        className="grid-sheet"
        onKeyDown={keys}
        onFocus={(event) => {
          const at = (event.target as HTMLElement).closest<HTMLElement>("[data-cell]");
          const [row, column] = (at?.dataset.cell ?? "").split(":").map(Number);
          if (row === undefined || column === undefined || Number.isNaN(row)) return;
          if (row !== place.row || column !== place.column) onPlace({ row, column });
        }}
      >
        {/* biome-ignore lint/a11y/useSemanticElements: see above */}
        <div role="rowgroup" className="grid-head">
          {/* biome-ignore lint/a11y/useSemanticElements: see above */}
          {/* biome-ignore lint/a11y/useFocusableInteractive: its cells take the focus */}
          <div
            role="row"
            aria-rowindex={1}
            className="grid-row"
            style={{ gridTemplateColumns: template, height: HEAD_HEIGHT }}
          >
            {/* biome-ignore lint/a11y/useSemanticElements: see above */}
            <div
              role="columnheader"
              aria-label="Chosen"
              aria-colindex={1}
              className="grid-cell grid-pick"
              tabIndex={place.row === -1 && place.column === 0 ? 0 : -1}
              data-cell="-1:0"
            >
              <Checkbox
                size="xs"
                tabIndex={-1}
                aria-label="Choose the rows that are loaded"
                checked={allHere}
                indeterminate={someHere}
                onChange={() =>
                  props.onChoose(
                    rows.map((row) => row.lead_id),
                    !allHere,
                  )
                }
              />
            </div>
            {columns.map((column, index) =>
              props.head(
                column,
                index,
                widths[column.name] ?? usualWidth(column),
                place.row === -1 && place.column === index + 1,
              ),
            )}
          </div>
        </div>
        {/* biome-ignore lint/a11y/useSemanticElements: see above */}
        <div
          role="rowgroup"
          className="grid-body"
          style={{ height: virtual.getTotalSize(), position: "relative" }}
        >
          {items.map((item) => {
            const lead = rows[item.index - start];
            const style = {
              gridTemplateColumns: template,
              height: rowHeight,
              transform: `translateY(${item.start}px)`,
            };
            if (lead === undefined) {
              return (
                <div key={item.key} className="grid-row" style={style} aria-hidden>
                  <Skeleton height={10} ml={46} width="60%" />
                </div>
              );
            }
            const isHere = item.index === (focusRow ? place.row : first);
            return (
              <GridRow
                key={lead.lead_id}
                lead={lead}
                index={item.index}
                columns={columns}
                style={style}
                names={props.names}
                chosen={holds(selection, lead.lead_id)}
                fresh={props.fresh.has(lead.lead_id)}
                focused={isHere ? place.column : null}
                onPick={pick}
                onOpen={props.onOpen}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

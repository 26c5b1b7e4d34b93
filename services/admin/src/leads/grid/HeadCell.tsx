import { ActionIcon, Tooltip } from "@mantine/core";
import { IconArrowNarrowDown, IconArrowNarrowUp, IconChartPie, IconX } from "@tabler/icons-react";
import { type KeyboardEvent, type ReactNode, useState } from "react";
import { boundedWidth, type SortKey } from "../search";
import { isNumeric, type LeadColumn } from "./values";

/** What can be done with a column by its header. */
export interface ColumnActions {
  sort(field: string, also: boolean): void;
  remove(field: string): void;
  resize(field: string, width: number): void;
  /** Draws the column at a width that is not kept yet; null draws it at the one that is. */
  draw(field: string, width: number | null): void;
  /** Puts `field` before the column at `to`. */
  move(field: string, to: number): void;
}

const STEP = 16;

/** A header: press to sort, drag to move, its edge to resize; menu, chart and x beside it. */
export function HeadCell({
  column,
  index,
  known,
  sort,
  width,
  focusable,
  actions,
  menu,
  chart,
}: {
  column: LeadColumn;
  index: number;
  known: boolean;
  sort: readonly SortKey[];
  width: number;
  focusable: boolean;
  actions: ColumnActions;
  menu: ReactNode;
  chart: (target: ReactNode) => ReactNode;
}) {
  const [drop, setDrop] = useState<"before" | "after" | null>(null);
  const place = sort.findIndex((key) => key.field === column.name);
  const sorted = sort[place];
  const press = (also: boolean) => column.sort && actions.sort(column.name, also);
  const keys = (event: KeyboardEvent) => {
    const along = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
    if (event.target !== event.currentTarget) return;
    if (event.altKey && event.shiftKey && along !== 0) {
      actions.resize(column.name, boundedWidth(width + along * STEP));
    } else if (event.altKey && along !== 0) {
      actions.move(column.name, along < 0 ? index - 1 : index + 2);
    } else if (event.altKey && event.key === "ArrowDown") {
      event.currentTarget.querySelector<HTMLElement>("[aria-haspopup]")?.click();
    } else if (event.key === "Enter" || event.key === " ") {
      press(event.shiftKey);
    } else if (event.key === "Delete") {
      actions.remove(column.name);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a virtual grid of divs has roles of its own
    <div
      role="columnheader"
      className="grid-cell"
      aria-colindex={index + 2}
      aria-sort={sorted === undefined ? "none" : sorted.descending ? "descending" : "ascending"}
      aria-label={known ? column.label : `${column.label}, which is not there any more`}
      tabIndex={focusable ? 0 : -1}
      data-cell={`-1:${index + 1}`}
      data-numeric={isNumeric(column) || undefined}
      data-drop={drop ?? undefined}
      draggable
      onKeyDown={keys}
      onDragStart={(event) => {
        event.dataTransfer.setData("text/x-column", column.name);
        event.dataTransfer.effectAllowed = "move";
      }}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes("text/x-column")) return;
        event.preventDefault();
        const box = event.currentTarget.getBoundingClientRect();
        setDrop(event.clientX < box.left + box.width / 2 ? "before" : "after");
      }}
      onDragLeave={() => setDrop(null)}
      onDrop={(event) => {
        event.preventDefault();
        const moved = event.dataTransfer.getData("text/x-column");
        actions.move(moved, drop === "after" ? index + 1 : index);
        setDrop(null);
      }}
    >
      {/* The whole header takes keys; the press is for the pointer. */}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: keys are taken by the header cell */}
      <div
        className="head-press"
        title={known ? column.label : "This column is not there any more."}
        onClick={(event) => press(event.shiftKey)}
        onKeyDown={undefined}
      >
        <span className="grid-text" style={known ? undefined : { textDecoration: "line-through" }}>
          {column.label}
        </span>
        {sorted !== undefined &&
          (sorted.descending ? (
            <IconArrowNarrowDown size={14} aria-hidden />
          ) : (
            <IconArrowNarrowUp size={14} aria-hidden />
          ))}
        {sort.length > 1 && sorted !== undefined && <small>{place + 1}</small>}
      </div>
      <div className="head-tools">
        {column.breakdown &&
          chart(
            <ActionIcon
              size="sm"
              variant="subtle"
              color="gray"
              tabIndex={-1}
              aria-label={`How ${column.label} spreads`}
            >
              <IconChartPie size={14} aria-hidden />
            </ActionIcon>,
          )}
        {menu}
        <Tooltip label="Take the column out" openDelay={600}>
          <ActionIcon
            size="sm"
            variant="subtle"
            color="gray"
            tabIndex={-1}
            aria-label={`Take out ${column.label}`}
            onClick={() => actions.remove(column.name)}
          >
            <IconX size={14} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </div>
      <Grip
        width={width}
        onDraw={(next) => actions.draw(column.name, next)}
        onWidth={(next) => actions.resize(column.name, next)}
      />
    </div>
  );
}

/**
 * The edge of a header. While it is dragged the column is only drawn at its new width: browsers
 * take few changes of an address in a row.
 */
function Grip({
  width,
  onDraw,
  onWidth,
}: {
  width: number;
  onDraw: (width: number | null) => void;
  onWidth: (width: number) => void;
}) {
  const [from, setFrom] = useState<{ x: number; width: number } | null>(null);
  const at = (x: number) => (from === null ? width : boundedWidth(from.width + x - from.x));
  const end = () => {
    setFrom(null);
    onDraw(null);
  };
  return (
    <div
      className="head-grip"
      aria-hidden
      data-dragged={from !== null || undefined}
      // Else the browser takes it as a drag of the header around.
      onMouseDown={(event) => event.preventDefault()}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setFrom({ x: event.clientX, width });
      }}
      onPointerMove={(event) => {
        if (from !== null) onDraw(at(event.clientX));
      }}
      onPointerUp={(event) => {
        if (from !== null && at(event.clientX) !== from.width) onWidth(at(event.clientX));
        end();
      }}
      onPointerCancel={end}
    />
  );
}

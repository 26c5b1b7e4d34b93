import { Anchor, Checkbox } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { type CSSProperties, type MouseEvent, memo } from "react";
import type { Names } from "../../api/queries";
import { Cell, plainValue } from "./Cell";
import type { Lead } from "./useLeadPages";
import { cellValue, isNumeric, type LeadColumn } from "./values";

/** One lead in the grid. It is drawn anew only when something of it changed. */
export const GridRow = memo(
  function GridRow({
    lead,
    index,
    columns,
    style,
    names,
    chosen,
    fresh,
    focused,
    onPick,
    onOpen,
  }: {
    lead: Lead;
    index: number;
    columns: readonly LeadColumn[];
    style: CSSProperties;
    names: Names;
    chosen: boolean;
    fresh: boolean;
    /** The column whose cell takes the focus, null when it is in another row. */
    focused: number | null;
    onPick: (index: number, on: boolean, through: boolean) => void;
    onOpen: (lead: Lead) => void;
  }) {
    const who = lead.name || lead.phone || lead.lead_id.slice(0, 8);
    return (
      // biome-ignore lint/a11y/useSemanticElements: a virtual grid of divs has roles of its own
      // biome-ignore lint/a11y/useFocusableInteractive: its cells take the focus
      <div
        role="row"
        aria-rowindex={index + 2}
        aria-selected={chosen}
        className="grid-row"
        data-fresh={fresh || undefined}
        style={style}
        onDoubleClick={() => onOpen(lead)}
      >
        {/* biome-ignore lint/a11y/useSemanticElements: see above */}
        <div
          role="gridcell"
          aria-colindex={1}
          className="grid-cell grid-pick"
          tabIndex={focused === 0 ? 0 : -1}
          data-cell={`${index}:0`}
        >
          <Checkbox
            size="xs"
            tabIndex={-1}
            aria-label={`Choose ${who}`}
            checked={chosen}
            onChange={() => undefined}
            onClick={(event: MouseEvent) => onPick(index, !chosen, event.shiftKey)}
          />
        </div>
        {columns.map((column, place) => {
          const value = cellValue(lead, column.name);
          const shown = <Cell column={column} value={value} names={names} />;
          return (
            // biome-ignore lint/a11y/useSemanticElements: see above
            <div
              key={column.name}
              role="gridcell"
              aria-colindex={place + 2}
              className="grid-cell"
              tabIndex={focused === place + 1 ? 0 : -1}
              data-cell={`${index}:${place + 1}`}
              data-numeric={isNumeric(column) || undefined}
              title={column.kind === "instant" ? undefined : plainValue(column, value, names)}
            >
              <span className="grid-text">
                {place === 0 ? (
                  <Anchor
                    component={Link}
                    to={"/leads/$leadId" as string}
                    params={{ leadId: lead.lead_id } as never}
                    tabIndex={-1}
                    size="sm"
                    fw={500}
                  >
                    {value === null || value === undefined || value === "" ? who : shown}
                  </Anchor>
                ) : (
                  shown
                )}
              </span>
            </div>
          );
        })}
      </div>
    );
  },
  (before, now) =>
    before.lead === now.lead &&
    before.index === now.index &&
    before.columns === now.columns &&
    before.chosen === now.chosen &&
    before.fresh === now.fresh &&
    before.focused === now.focused &&
    before.names === now.names &&
    before.style.transform === now.style.transform &&
    before.style.height === now.style.height &&
    before.style.gridTemplateColumns === now.style.gridTemplateColumns,
);

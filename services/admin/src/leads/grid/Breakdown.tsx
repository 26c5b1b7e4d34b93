import { Anchor, Button, Group, HoverCard, Loader, Table, Text } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { api, data } from "../../api/client";
import { minPosition } from "../../api/lag";
import { useNames } from "../../api/queries";
import { ProblemAlert } from "../../parts/ProblemAlert";
import type { Tree } from "../filter/tree";
import { aboutCount } from "./about";
import { type Slice, slicesOf, wedge } from "./parts";
import type { ApiFilter } from "./useLeadPages";
import type { LeadColumn } from "./values";

const NUMBER = new Intl.NumberFormat();
const SHARE = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });

interface BreakdownProps {
  column: LeadColumn;
  filter: Tree | null;
  top: number;
  onPick: (condition: Tree) => void;
}

/** How leads spread over a column under the filter in force: a pie, and the same as a table. */
export function Breakdown({ column, filter, top, onPick }: BreakdownProps) {
  const [exact, setExact] = useState(false);
  const names = useNames();
  const query = useQuery({
    queryKey: ["leads", "breakdown", column.name, filter, top, exact],
    queryFn: ({ signal }) =>
      data(
        api.POST("/v1/leads/breakdown", {
          body: {
            field: column.name,
            filter: filter as ApiFilter,
            top,
            exact,
            scope: "sight",
            min_position: minPosition(),
          } as never,
          signal,
        }),
      ),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
  if (query.error !== null) {
    return <ProblemAlert error={query.error} retry={() => query.refetch()} />;
  }
  if (query.data === undefined) return <Loader size="sm" m="md" aria-label="Counting" />;
  const told = query.data;
  const slices = slicesOf(column, told, names);
  if (told.total === 0) {
    return (
      <Text size="sm" c="dimmed">
        No lead matches the filter.
      </Text>
    );
  }
  return (
    <>
      <Group wrap="nowrap" align="center" mb={6}>
        <Pie slices={slices} total={told.total} />
        <div>
          <Text fw={600} size="sm">
            {column.label}
          </Text>
          <Text size="xs" c="dimmed" className="number">
            {told.exact ? NUMBER.format(told.total) : `about ${aboutCount(told.total)}`} leads
          </Text>
          {!told.exact && (
            <Button
              size="compact-xs"
              variant="subtle"
              loading={query.isFetching}
              onClick={() => setExact(true)}
            >
              Count exactly
            </Button>
          )}
        </div>
      </Group>
      <Slices column={column} slices={slices} total={told.total} onPick={onPick} />
    </>
  );
}

function Pie({ slices, total }: { slices: Slice[]; total: number }) {
  let from = 0;
  return (
    <svg viewBox="-1.02 -1.02 2.04 2.04" width={86} height={86} aria-hidden>
      {slices.map((slice) => {
        const begin = from;
        from += slice.count / total;
        return <path key={slice.key} d={wedge(begin, from)} fill={slice.colour} />;
      })}
    </svg>
  );
}

function Slices({
  column,
  slices,
  total,
  onPick,
}: {
  column: LeadColumn;
  slices: Slice[];
  total: number;
  onPick: (condition: Tree) => void;
}) {
  return (
    <Table verticalSpacing={2} fz="xs" aria-label={`Leads by ${column.label}`}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{column.label}</Table.Th>
          <Table.Th ta="right">Leads</Table.Th>
          <Table.Th ta="right">Share</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {slices.map(({ key, label, count, condition, colour }) => (
          <Table.Tr key={key}>
            <Table.Td style={{ overflowWrap: "anywhere" }}>
              <span className="part-swatch" style={{ background: colour }} aria-hidden />{" "}
              {condition === null || !column.filter ? (
                label
              ) : (
                <Anchor
                  component="button"
                  type="button"
                  fz="xs"
                  ta="left"
                  title={`Show only ${label}`}
                  onClick={() => onPick(condition)}
                >
                  {label}
                </Anchor>
              )}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {NUMBER.format(count)}
            </Table.Td>
            <Table.Td ta="right" className="number">
              {SHARE.format(count / total)}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** The breakdown of a column beside what one hovers, asked for only then. */
export function BreakdownCard({
  children,
  ...breakdown
}: Omit<BreakdownProps, "top"> & { children: ReactNode }) {
  const [open, setOpen] = useState(false);
  return (
    <HoverCard
      width={330}
      shadow="md"
      openDelay={250}
      closeDelay={200}
      position="bottom"
      withinPortal
      onOpen={() => setOpen(true)}
      onClose={() => setOpen(false)}
    >
      <HoverCard.Target>{children}</HoverCard.Target>
      <HoverCard.Dropdown mah={430} style={{ overflow: "auto", fontWeight: 400 }}>
        {open && <Breakdown {...breakdown} top={8} />}
      </HoverCard.Dropdown>
    </HoverCard>
  );
}

import { Badge, Button, Switch, Text, Tooltip } from "@mantine/core";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Line } from "../../api/activity";
import type { Tree } from "../filter/tree";
import { aboutCount } from "./about";
import { countLeads } from "./useLeadPages";

const NUMBER = new Intl.NumberFormat();

/** How many leads the filter finds; exactly, once that was asked for this very filter. */
export function useLeadCount(filter: Tree | null, enabled: boolean) {
  const [exactFor, setExactFor] = useState("");
  const key = JSON.stringify(filter);
  const exact = exactFor === key;
  const query = useQuery({
    queryKey: ["leads", "count", filter, exact],
    queryFn: ({ signal }) => countLeads(filter, exact, signal),
    placeholderData: keepPreviousData,
    staleTime: 15_000,
    enabled,
  });
  return { query, countExactly: () => setExactFor(key) };
}

/** Below the rows: how many there are, of which moment, and whether changes come in. */
export function Foot({
  count,
  position,
  loaded,
  live,
  onLive,
  line,
  waiting,
  onShow,
}: {
  count: ReturnType<typeof useLeadCount>;
  position: number;
  loaded: number;
  live: boolean;
  onLive: (on: boolean) => void;
  line: Line;
  waiting: number;
  onShow: () => void;
}) {
  const told = count.query.data;
  return (
    <div className="grid-foot">
      <Text size="sm" className="number" role="status" aria-label="Number of leads">
        {told === undefined
          ? count.query.isFetching
            ? "Counting…"
            : ""
          : told.exact
            ? `${NUMBER.format(told.count)} ${told.count === 1 ? "lead" : "leads"}`
            : `about ${aboutCount(told.count)} leads`}
      </Text>
      {told !== undefined && !told.exact && (
        <Button
          size="compact-xs"
          variant="subtle"
          loading={count.query.isFetching}
          onClick={count.countExactly}
        >
          Count exactly
        </Button>
      )}
      <Text size="xs" c="dimmed" className="number">
        {NUMBER.format(loaded)} loaded
      </Text>
      {waiting > 0 && (
        <Button size="compact-xs" variant="light" onClick={onShow}>
          {NUMBER.format(waiting)} changed, show
        </Button>
      )}
      <Tooltip label="The place in the log that these rows show at least" openDelay={400}>
        <Text size="xs" c="dimmed" className="number" ml="auto">
          position {NUMBER.format(position)}
        </Text>
      </Tooltip>
      {live && line !== "live" && (
        <Badge size="sm" variant="dot" color={line === "ended" ? "red" : "yellow"} tt="none">
          {line}
        </Badge>
      )}
      <Switch
        size="xs"
        label="Live"
        checked={live}
        onChange={(event) => onLive(event.currentTarget.checked)}
      />
    </div>
  );
}

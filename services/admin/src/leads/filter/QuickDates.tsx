import { Button, Group, Select, SimpleGrid, Text } from "@mantine/core";
import { DatePickerInput } from "@mantine/dates";
import { useState } from "react";
import { ZONE } from "../../parts/Moment";
import { dateOf, rangeOf, spanOf, spans, withDate } from "./quick";
import type { Range, Tree } from "./tree";
import type { Labels } from "./useLabels";

const DAY = /^(\d{4}-\d\d-\d\d)(?:\+1d)?@/;

function dayOf(bound: unknown, isEnd: boolean): string | null {
  const found = DAY.exec(String(bound ?? ""));
  if (found?.[1] === undefined) return null;
  return isEnd === String(bound).includes("+1d@") ? found[1] : null;
}

/** One of five dates, in a span with a name or between two days. */
export function QuickDates({
  tree,
  labels,
  dates,
  onChange,
}: {
  tree: Tree | null;
  labels: Labels;
  dates: readonly string[];
  onChange: (tree: Tree | null) => void;
}) {
  const range = dateOf(tree);
  const [field, setField] = useState<string>(range?.field ?? dates[0] ?? "");
  const named = range && spanOf(range, ZONE);
  const put = (next: Range | null) => onChange(withDate(tree, next));
  const days: [string | null, string | null] = [dayOf(range?.gte, false), dayOf(range?.lt, true)];
  return (
    <>
      <Select
        size="xs"
        mb={8}
        aria-label="Which date"
        searchable={false}
        allowDeselect={false}
        data={dates.map((one) => ({ value: one, label: labels.column(one).label }))}
        value={field}
        onChange={(value) => {
          setField(value ?? field);
          if (range !== undefined && value !== null) put({ ...range, field: value });
        }}
        comboboxProps={{ withinPortal: false }}
      />
      <SimpleGrid cols={2} spacing={6} verticalSpacing={6}>
        {spans(ZONE).map((span) => (
          <Button
            key={span.label}
            size="compact-xs"
            variant={named?.label === span.label ? "filled" : "default"}
            aria-pressed={named?.label === span.label}
            onClick={() => put(rangeOf(field, span.from, span.to))}
          >
            {span.label}
          </Button>
        ))}
      </SimpleGrid>
      <DatePickerInput
        size="xs"
        mt={8}
        type="range"
        label="From and to, both days included"
        placeholder="Choose two days"
        clearable
        value={days}
        popoverProps={{ withinPortal: false }}
        onChange={([from, to]) => {
          if (from === null && to === null) put(null);
          else if (from !== null && to !== null) {
            put(rangeOf(field, `${from}@${ZONE}`, `${to}+1d@${ZONE}`));
          }
        }}
      />
      <Group justify="space-between" mt={8}>
        <Text size="xs" c="dimmed">
          Days of {ZONE}
        </Text>
        <Button
          size="compact-xs"
          variant="subtle"
          disabled={range === undefined}
          onClick={() => put(null)}
        >
          Any time
        </Button>
      </Group>
    </>
  );
}

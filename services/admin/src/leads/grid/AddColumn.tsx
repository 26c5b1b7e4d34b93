import { ActionIcon, Checkbox, Popover, ScrollArea, Stack, Text, TextInput } from "@mantine/core";
import { IconColumns3 } from "@tabler/icons-react";
import { useState } from "react";
import type { LeadColumn } from "./values";

/** All columns there are, found by typing; a tick puts one in, at the end, or takes it out. */
export function AddColumn({
  all,
  shown,
  onToggle,
}: {
  all: readonly LeadColumn[];
  shown: readonly string[];
  onToggle: (name: string, on: boolean) => void;
}) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const found = all.filter(
    (column) => column.show && `${column.label} ${column.name}`.toLowerCase().includes(wanted),
  );
  return (
    <Popover width={290} position="bottom-end" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon variant="default" size="lg" aria-label="Columns" title="Columns">
          <IconColumns3 size={17} aria-hidden />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown p="xs">
        <TextInput
          size="xs"
          placeholder="Find a column"
          aria-label="Find a column"
          data-autofocus
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <ScrollArea.Autosize mah={340} mt="xs" type="auto">
          <Stack gap={6} p={4}>
            {found.map((column) => (
              <Checkbox
                key={column.name}
                size="xs"
                label={column.label}
                description={column.type === null ? undefined : "Template field"}
                checked={shown.includes(column.name)}
                onChange={(event) => onToggle(column.name, event.currentTarget.checked)}
              />
            ))}
            {found.length === 0 && (
              <Text size="sm" c="dimmed">
                No column is called so.
              </Text>
            )}
          </Stack>
        </ScrollArea.Autosize>
      </Popover.Dropdown>
    </Popover>
  );
}

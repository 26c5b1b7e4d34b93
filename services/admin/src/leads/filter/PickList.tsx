import { Button, Checkbox, Popover, ScrollArea, Stack, Text, TextInput } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import type { Option } from "./useLabels";

/** A button of the quick bar that opens what it filters by; it tells how much is chosen. */
export function QuickButton({
  label,
  chosen,
  width = 280,
  children,
}: {
  label: string;
  chosen: number | string;
  width?: number;
  children: ReactNode;
}) {
  const on = chosen !== 0 && chosen !== "";
  return (
    <Popover width={width} position="bottom-start" shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button
          size="xs"
          variant={on ? "light" : "default"}
          rightSection={<IconChevronDown size={13} aria-hidden />}
        >
          {on ? `${label} · ${chosen}` : label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p="xs">{children}</Popover.Dropdown>
    </Popover>
  );
}

/** Values to tick, found by typing. What is chosen stands first when the list is opened. */
export function PickList({
  title,
  options,
  chosen,
  onChange,
}: {
  title: string;
  options: readonly Option[];
  chosen: readonly string[];
  onChange: (values: string[]) => void;
}) {
  const [text, setText] = useState("");
  const [first] = useState(() => new Set(chosen));
  const wanted = text.trim().toLowerCase();
  const found = options
    .filter((option) => option.label.toLowerCase().includes(wanted))
    .sort((a, b) => Number(first.has(b.value)) - Number(first.has(a.value)));
  const unknown = chosen.filter((value) => !options.some((option) => option.value === value));
  return (
    <>
      <TextInput
        size="xs"
        aria-label={`Find in ${title}`}
        placeholder={title}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        data-autofocus
      />
      <ScrollArea.Autosize mah={260} mt={6} type="auto">
        <Stack gap={5} p={4} role="group" aria-label={title}>
          {[...unknown.map((value) => ({ value, label: value })), ...found].map((option) => (
            <Checkbox
              key={option.value}
              size="xs"
              label={option.label}
              checked={chosen.includes(option.value)}
              onChange={(event) =>
                onChange(
                  event.currentTarget.checked
                    ? [...chosen, option.value]
                    : chosen.filter((value) => value !== option.value),
                )
              }
            />
          ))}
          {found.length === 0 && (
            <Text size="xs" c="dimmed">
              Nothing is called so.
            </Text>
          )}
        </Stack>
      </ScrollArea.Autosize>
    </>
  );
}

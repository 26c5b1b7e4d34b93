import { ActionIcon, Menu } from "@mantine/core";
import {
  IconArrowNarrowDown,
  IconArrowNarrowUp,
  IconChevronLeft,
  IconChevronRight,
  IconDotsVertical,
  IconFilter,
  IconFocus2,
  IconX,
} from "@tabler/icons-react";
import { useState } from "react";
import type { LeadColumn } from "./values";

/** What the three dots of a column offer. */
export interface HeadMenuActions {
  sort(field: string, descending: boolean): void;
  filter(field: string): void;
  focus(field: string): void;
  move(field: string, to: number): void;
  remove(field: string): void;
}

/** The three dots of a header: sort, filter, focus, move, take out. */
export function HeadMenu({
  column,
  index,
  focused,
  actions,
}: {
  column: LeadColumn;
  index: number;
  focused: boolean;
  actions: HeadMenuActions;
}) {
  const [open, setOpen] = useState(false);
  const { name } = column;
  return (
    <Menu opened={open} onChange={setOpen} position="bottom-end" withinPortal returnFocus>
      <Menu.Target>
        <ActionIcon
          size="sm"
          variant="subtle"
          color="gray"
          tabIndex={-1}
          aria-label={`What to do with ${column.label}`}
          data-open={open || undefined}
        >
          <IconDotsVertical size={14} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown style={{ fontWeight: 400 }}>
        {column.sort && (
          <>
            <Menu.Item
              leftSection={<IconArrowNarrowUp size={15} aria-hidden />}
              onClick={() => actions.sort(name, false)}
            >
              Sort, smallest first
            </Menu.Item>
            <Menu.Item
              leftSection={<IconArrowNarrowDown size={15} aria-hidden />}
              onClick={() => actions.sort(name, true)}
            >
              Sort, greatest first
            </Menu.Item>
          </>
        )}
        {column.filter && (
          <Menu.Item
            leftSection={<IconFilter size={15} aria-hidden />}
            onClick={() => actions.filter(name)}
          >
            Filter by this
          </Menu.Item>
        )}
        {column.breakdown && (
          <Menu.Item
            leftSection={<IconFocus2 size={15} aria-hidden />}
            onClick={() => actions.focus(name)}
          >
            {focused ? "End the focus" : "Focus on this"}
          </Menu.Item>
        )}
        <Menu.Divider />
        <Menu.Item
          leftSection={<IconChevronLeft size={15} aria-hidden />}
          onClick={() => actions.move(name, index - 1)}
        >
          Move left
        </Menu.Item>
        <Menu.Item
          leftSection={<IconChevronRight size={15} aria-hidden />}
          onClick={() => actions.move(name, index + 2)}
        >
          Move right
        </Menu.Item>
        <Menu.Item
          leftSection={<IconX size={15} aria-hidden />}
          onClick={() => actions.remove(name)}
        >
          Take the column out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

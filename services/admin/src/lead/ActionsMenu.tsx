import { Kbd, Modal, NavLink, ScrollArea, Text, TextInput } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { type ReactNode, useState } from "react";
import { type CommandSpec, commandLabel } from "../api/commands";
import { EmptyState } from "../parts/EmptyState";

/** All actions, in groups, searched by typing; `.` or Ctrl+K opens it, arrows and Enter choose. */
export function ActionsMenu(props: {
  groups: readonly (readonly [string, CommandSpec[]])[];
  choose: (name: string) => void;
  children: (show: () => void) => ReactNode;
}) {
  const [opened, { open, close }] = useDisclosure(false);
  useHotkeys([
    [".", open],
    ["mod+K", open],
  ]);
  return (
    <>
      {props.children(open)}
      <Modal opened={opened} onClose={close} title="What shall be done" size="md">
        <Choices
          groups={props.groups}
          choose={(name) => {
            close();
            props.choose(name);
          }}
        />
      </Modal>
    </>
  );
}

function Choices({
  groups,
  choose,
}: {
  groups: readonly (readonly [string, CommandSpec[]])[];
  choose: (name: string) => void;
}) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const wanted = text.trim().toLowerCase();
  const found = groups
    .map(([group, some]): readonly [string, CommandSpec[]] => [
      group,
      some.filter((one) =>
        `${group} ${commandLabel(one.name)} ${one.summary}`.toLowerCase().includes(wanted),
      ),
    ])
    .filter(([, some]) => some.length > 0);
  const flat = found.flatMap(([, some]) => some);
  const chosen = flat[Math.min(at, flat.length - 1)];
  return (
    <>
      <TextInput
        data-autofocus
        aria-label="Search the actions"
        placeholder="Type a few letters"
        value={text}
        rightSection={<Kbd size="xs">↵</Kbd>}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          if (step !== 0) {
            event.preventDefault();
            setAt((before) => Math.max(0, Math.min(flat.length - 1, before + step)));
          }
          if (event.key === "Enter" && chosen !== undefined) choose(chosen.name);
        }}
      />
      <ScrollArea.Autosize mah={420} mt="xs">
        {flat.length === 0 && <EmptyState title="No action is called so" />}
        {found.map(([group, some]) => (
          <div key={group}>
            <Text size="xs" c="dimmed" fw={600} pt="xs" px="xs">
              {group}
            </Text>
            {some.map((one) => (
              <NavLink
                key={one.name}
                component="button"
                type="button"
                label={commandLabel(one.name)}
                description={one.summary.replaceAll("`", "")}
                active={one === chosen}
                py={3}
                onClick={() => choose(one.name)}
              />
            ))}
          </div>
        ))}
      </ScrollArea.Autosize>
    </>
  );
}

import { Button, type ButtonProps, Menu } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { type ReactNode, useState } from "react";
import { commandLabel, commandNamed } from "../api/commands";
import { useMay } from "../api/permission";
import { CommandDialog } from "./command/CommandDialog";

interface Giving {
  /** The command, "RenamePool". */
  command: string;
  /** The stream it is for; none for what begins something. */
  id?: string;
  version?: number;
  initial?: Record<string, unknown>;
  campaignId?: string | null;
  label?: string;
  onDone?: (answer: { id: string }) => void;
}

/** A button that opens the form of a command. It is not there for who may not give it. */
export function CommandButton({
  command,
  label,
  leftSection,
  variant = "default",
  ...giving
}: Giving & { leftSection?: ReactNode; variant?: ButtonProps["variant"] }) {
  const [open, { open: show, close }] = useDisclosure(false);
  const may = useMay();
  if (!may(command)) return null;
  return (
    <>
      <Button variant={variant ?? "default"} leftSection={leftSection} onClick={show}>
        {label ?? commandLabel(command)}
      </Button>
      {open && <CommandDialog command={commandNamed(command)} {...giving} onClose={close} />}
    </>
  );
}

/** The commands for one thing behind three dots; those one may not give are left out. */
export function CommandMenu({ commands, label }: { commands: readonly Giving[]; label: string }) {
  const [open, { toggle, close }] = useDisclosure(false);
  const may = useMay();
  const [chosen, choose] = useState<Giving | null>(null);
  const mine = commands.filter((one) => may(one.command));
  if (mine.length === 0) return null;
  return (
    <>
      <Menu opened={open} onChange={toggle} position="bottom-end">
        <Menu.Target>
          <Button variant="default">{label}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          {mine.map((one) => (
            <Menu.Item
              key={one.command}
              onClick={() => {
                close();
                choose(one);
              }}
            >
              {one.label ?? commandLabel(one.command)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {chosen !== null && (
        <CommandDialog
          {...chosen}
          command={commandNamed(chosen.command)}
          onClose={() => choose(null)}
        />
      )}
    </>
  );
}

import { Button, type ButtonProps, Menu } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useState } from "react";
import { commandLabel } from "../api/commands";
import { useMay } from "../api/permission";
import { CommandDialog } from "./command/CommandDialog";
import type { Target } from "./command/sending";

/** A command that can be given, and what it is given about. */
export interface Giving {
  /** The command, "RenamePool". */
  command: string;
  target: Target;
  initial?: Record<string, unknown>;
  /** Fields of `initial` that are not asked for. */
  given?: readonly string[];
  label?: string;
}

/** A button that opens the form of a command. It is not there for who may not give it. */
export function CommandButton({ button, ...giving }: Giving & { button?: ButtonProps }) {
  const [open, { open: show, close }] = useDisclosure(false);
  const may = useMay();
  if (!may(giving.command)) return null;
  return (
    <>
      <Button variant="default" {...button} onClick={show}>
        {giving.label ?? commandLabel(giving.command)}
      </Button>
      {open && <Dialog giving={giving} onClose={close} />}
    </>
  );
}

/** Several commands behind one button; those one may not give are left out. */
export function CommandMenu({ commands, label }: { commands: readonly Giving[]; label: string }) {
  const [chosen, choose] = useState<Giving | null>(null);
  const may = useMay();
  const mine = commands.filter((one) => may(one.command));
  if (mine.length === 0) return null;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default">{label}</Button>
        </Menu.Target>
        <Menu.Dropdown>
          {mine.map((one) => (
            <Menu.Item key={one.command} onClick={() => choose(one)}>
              {one.label ?? commandLabel(one.command)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {chosen !== null && (
        <Dialog giving={mine.find(isSame(chosen)) ?? chosen} onClose={() => choose(null)} />
      )}
    </>
  );
}

/** Whether it is the same command: the page may know more of what it is about by now. */
function isSame(chosen: Giving): (one: Giving) => boolean {
  return (one) => one.command === chosen.command && one.label === chosen.label;
}

function Dialog({ giving, onClose }: { giving: Giving; onClose: () => void }) {
  return (
    <CommandDialog
      command={giving.command}
      target={giving.target}
      onClose={onClose}
      {...(giving.initial && { initial: giving.initial })}
      {...(giving.given && { given: giving.given })}
      {...(giving.label && { title: giving.label })}
    />
  );
}

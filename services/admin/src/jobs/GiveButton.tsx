import { Button, type ButtonProps, Modal } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { commandLabel, commandNamed, useCommand } from "../api/commands";
import { useMe } from "../api/queries";
import { CommandForm } from "../parts/command/CommandForm";

/** A command that a button gives, after its form was filled in. */
export interface Giving {
  /** The command, "AddTeam". */
  command: string;
  /** The stream it is for, where its address has one. */
  id?: string;
  version?: number;
  /** What stands in the fields at first. */
  initial?: Record<string, unknown>;
  /** Fields of `initial` that are sent as they are and not asked for. */
  given?: readonly string[];
  label?: string;
}

/** A button that opens the form of a command. It is not there for roles that may not give it. */
export function GiveButton({ button, ...giving }: Giving & { button?: ButtonProps }) {
  const [open, { open: show, close }] = useDisclosure(false);
  const { data: me } = useMe();
  const command = useCommand();
  const spec = commandNamed(giving.command);
  const label = giving.label ?? commandLabel(giving.command);
  if (me === undefined || !spec.roles.includes(me.role)) return null;
  return (
    <>
      <Button
        variant="default"
        {...button}
        onClick={() => {
          command.reset();
          show();
        }}
      >
        {label}
      </Button>
      {open && (
        <Modal opened onClose={close} title={label}>
          <CommandForm
            command={spec}
            {...(giving.initial !== undefined && { initial: giving.initial })}
            {...(giving.given !== undefined && { given: giving.given })}
            submitLabel={label}
            pending={command.isPending}
            error={command.error}
            onCancel={close}
            onSubmit={(body) =>
              command.mutate(
                {
                  name: giving.command,
                  body,
                  version: giving.version,
                  ...(giving.id !== undefined && { id: giving.id }),
                },
                { onSuccess: close },
              )
            }
          />
        </Modal>
      )}
    </>
  );
}

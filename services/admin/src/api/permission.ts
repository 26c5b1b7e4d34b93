import { commandNamed } from "./commands";
import { useMe } from "./queries";

/** Whether the caller's role may give a command; the service decides the rest. */
export function useMay(): (command: string) => boolean {
  const { data: me } = useMe();
  return (command) => me !== undefined && commandNamed(command).roles.includes(me.role);
}

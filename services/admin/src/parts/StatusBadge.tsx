import { Badge } from "@mantine/core";
import { useNames } from "../api/queries";

const COLOURS: Record<string, string> = { open: "blue", held: "yellow", closed: "gray" };
const OWN_COLOURS: Record<string, string> = { success: "green", completed: "green" };

/** A lead's status by its label, coloured by whether it is open, held or closed. */
export function StatusBadge({ code }: { code: string | null | undefined }) {
  const status = useNames().status(code);
  if (!code) return null;
  const colour = OWN_COLOURS[code] ?? COLOURS[status?.group ?? ""] ?? "gray";
  return (
    <Badge color={colour} variant="light" size="sm" radius="sm" tt="none">
      {status?.label ?? code}
    </Badge>
  );
}

import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";

/** A link to a lead's page, by its name, else by the beginning of its id. */
export function LeadLink({ id, name }: { id: string; name?: string | null | undefined }) {
  return (
    <Anchor component={Link} to="/leads/$leadId" params={{ leadId: id } as never} size="sm">
      {name || id.slice(0, 8)}
    </Anchor>
  );
}

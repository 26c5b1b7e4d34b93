import { Alert, List } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { Proposal } from "./queries";

/** What to look at before a file is imported, such as numbers that a spreadsheet has mangled. */
export function Warnings({ warnings }: { warnings: Proposal["warnings"] }) {
  if (warnings.length === 0) return null;
  return (
    <Alert
      color="yellow"
      mb="md"
      icon={<IconAlertTriangle aria-hidden />}
      title={warnings.length === 1 ? "Look at this first" : "Look at these first"}
    >
      <List size="sm">
        {warnings.map((one) => (
          <List.Item key={`${one.code} ${one.columns.join(" ")} ${one.detail}`}>
            {one.detail}
            {places(one)}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function places(one: Proposal["warnings"][number]): string {
  const columns = one.columns.length > 0 ? `column ${one.columns.join(", ")}` : "";
  const rows = one.rows.length > 0 ? `row ${one.rows.join(", ")}` : "";
  const both = [columns, rows].filter((text) => text !== "").join("; ");
  return both === "" ? "" : ` (${both})`;
}

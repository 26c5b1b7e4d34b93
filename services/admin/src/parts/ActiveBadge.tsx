import { Badge } from "@mantine/core";

/** Whether a campaign, a pool or a segment is worked on. */
export function ActiveBadge({ active }: { active: boolean }) {
  return (
    <Badge color={active ? "teal" : "gray"} variant="light" tt="none">
      {active ? "active" : "inactive"}
    </Badge>
  );
}

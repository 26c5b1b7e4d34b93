import { Group, Text } from "@mantine/core";
import { IconShoppingCart } from "@tabler/icons-react";

/** What each colour of a contract means (`domain.md` §3); colour is never all that tells it. */
export const ICONS: Record<string, { colour: string; text: string }> = {
  white: { colour: "light-dark(#868e96, #f8f9fa)", text: "Updated by the agent" },
  yellow_1: { colour: "#f59f00", text: "Confirmation sent" },
  yellow_2: { colour: "#f59f00", text: "Reminder 1 sent" },
  yellow_3: { colour: "#f59f00", text: "Reminder 2 sent" },
  yellow_4: { colour: "#f59f00", text: "Reminder 3 sent" },
  blue: { colour: "#228be6", text: "Asked for help" },
  green: { colour: "#2f9e44", text: "Accepted" },
  red: { colour: "#e03131", text: "Cancelled" },
  grey: { colour: "#868e96", text: "Expired" },
};

/** Where a contract stands: its cart in its colour, and what that means. */
export function ContractIcon({ icon }: { icon: string }) {
  const meaning = ICONS[icon] ?? { colour: "currentColor", text: icon };
  const nth = /^yellow_(\d)$/.exec(icon)?.[1];
  return (
    <Group gap={6} wrap="nowrap">
      <IconShoppingCart size={16} color={meaning.colour} aria-hidden />
      <Text size="sm">
        {meaning.text}
        {nth !== undefined && (
          <Text span size="xs" c="dimmed">
            {" "}
            ({nth})
          </Text>
        )}
      </Text>
    </Group>
  );
}

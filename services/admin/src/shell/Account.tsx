import {
  ActionIcon,
  Menu,
  Text,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
  VisuallyHidden,
} from "@mantine/core";
import { IconLogout, IconMoon, IconSun } from "@tabler/icons-react";
import { useMe } from "../api/queries";
import { endSession } from "../session/key";

const ROLES: Record<string, string> = {
  admin: "Admin",
  agent: "Agent",
  auditor: "Auditor",
  dialer: "Dialer",
  team_leader: "Team leader",
};

/** Who is signed in, light or dark, and the way out. */
export function Account() {
  const { data: me } = useMe();
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme("light");
  const other = scheme === "dark" ? "light" : "dark";
  return (
    <>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={`Use ${other} colours`}
        onClick={() => setColorScheme(other)}
      >
        {scheme === "dark" ? <IconSun size={16} aria-hidden /> : <IconMoon size={16} aria-hidden />}
      </ActionIcon>
      <Menu position="bottom-end" width={220}>
        <Menu.Target>
          <UnstyledButton>
            <VisuallyHidden>Account </VisuallyHidden>
            <Text size="sm" fw={600} lh={1.1}>
              {me?.name ?? "…"}
            </Text>
            <Text size="xs" c="dimmed" lh={1.2}>
              {me ? `${ROLES[me.role] ?? me.role}${me.team_name ? `, ${me.team_name}` : ""}` : ""}
            </Text>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          {me !== undefined && me.rights.length > 0 && (
            <Menu.Label>
              Rights: {me.rights.map((right) => right.replaceAll("_", " ")).join(", ")}
            </Menu.Label>
          )}
          <Menu.Item
            leftSection={<IconLogout size={16} aria-hidden />}
            onClick={() => endSession()}
          >
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}

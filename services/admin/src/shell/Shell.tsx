import { AppShell, Burger, Group, NavLink, ScrollArea, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useMe } from "../api/queries";
import { Account } from "./Account";
import { Freshness } from "./Freshness";
import { JumpToLead } from "./JumpToLead";
import { pages } from "./pages";
import { Shortcuts } from "./Shortcuts";

const GROUPS = ["Leads", "Campaigns", "Jobs", "Proof"] as const;

/** What stands around every page: the menu, where one is, who one is, how fresh it is. */
export function Shell() {
  const [open, { toggle, close }] = useDisclosure(false);
  const { data: me } = useMe();
  const here = useRouterState({ select: (state) => state.location.pathname });
  const mine = pages.filter((page) => !page.roles || (me && page.roles.includes(me.role)));
  return (
    <AppShell
      header={{ height: 48 }}
      navbar={{ width: 184, breakpoint: "sm", collapsed: { mobile: !open } }}
    >
      <AppShell.Header>
        <Group h="100%" px="md" gap="md" wrap="nowrap">
          <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Menu" />
          <Text fw={700} component={Link} to="/leads" c="inherit" td="none">
            Leads
          </Text>
          <JumpToLead />
          <Group ml="auto" gap="sm" wrap="nowrap">
            <Freshness />
            <Account />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-label="Pages">
        <ScrollArea p="xs">
          {GROUPS.map((group) => (
            <div key={group}>
              <Text size="xs" c="dimmed" fw={600} px="xs" pt="xs" pb={2}>
                {group}
              </Text>
              {mine
                .filter((page) => page.group === group)
                .map((page) => (
                  <NavLink
                    key={page.to}
                    component={Link}
                    to={page.to}
                    label={page.label}
                    leftSection={<page.icon size={16} stroke={1.6} aria-hidden />}
                    active={here === page.to || here.startsWith(`${page.to}/`)}
                    onClick={close}
                    py={5}
                    className="nav-link"
                  />
                ))}
            </div>
          ))}
        </ScrollArea>
      </AppShell.Navbar>
      <AppShell.Main>
        <Outlet />
      </AppShell.Main>
      <Shortcuts pages={mine} />
    </AppShell>
  );
}

import { Button, CloseButton, Group, Menu, ScrollArea, Text } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import { type CommandSpec, commandLabel, commands } from "../api/commands";
import { useMe } from "../api/queries";
import { valuesOf } from "../leads/filter/quick";
import type { Tree } from "../leads/filter/tree";
import { aboutCount } from "../leads/grid/about";
import { chosenCount, type Selection } from "../leads/selection";
import { BulkDrawer } from "./BulkDrawer";

const NUMBER = new Intl.NumberFormat();
/** What people do most, as buttons of their own. */
const FIRST = ["ChangeOwner", "ChangeStatus", "SetPriority", "AddToSegment"];
const GROUPS: readonly [string, readonly string[]][] = [
  ["Owner and lock", ["ChangeOwner", "UnlockLead", "Reserve", "Unreserve"]],
  ["Status", ["ChangeStatus", "RestoreStatus", "Ready", "Reset", "Pause", "Cancel"]],
  [
    "Dialling",
    [
      "SetPriority",
      "ScheduleDial",
      "CancelScheduledDial",
      "SetCallback",
      "CancelCallback",
      "SetDialTimeLimit",
      "RemoveDialTimeLimit",
      "Suppress",
      "Unsuppress",
      "CreateManualPass",
    ],
  ],
  [
    "Lead",
    [
      "UpdateFields",
      "Activate",
      "Deactivate",
      "AddToSegment",
      "RemoveFromSegment",
      "CloneLead",
      "MoveLead",
    ],
  ],
  ["For good", ["AnonymiseLead", "DeleteLead", "DeleteUnprocessed"]],
];

/** The bulk commands somebody with this role may give, in groups; what is in none comes last. */
export function offered(role: string): { title: string; commands: CommandSpec[] }[] {
  const mine = commands.filter((one) => one.bulk && one.roles.includes(role));
  const placed = new Set(GROUPS.flatMap(([, names]) => names));
  const others = mine.filter((one) => !placed.has(one.name)).map((one) => one.name);
  return [...GROUPS, ["Others", others] as const]
    .map(([title, names]) => ({
      title,
      commands: names.flatMap((name) => mine.filter((one) => one.name === name)),
    }))
    .filter((group) => group.commands.length > 0);
}

/** How many leads are chosen, and everything that can be done with them. */
export function ActionBar({
  selection,
  filter,
  total,
  exact,
  onAll,
  onNone,
}: {
  selection: Selection;
  filter: Tree | null;
  total: number;
  exact: boolean;
  onAll: () => void;
  onNone: () => void;
}) {
  const me = useMe();
  const [doing, setDoing] = useState<CommandSpec | null>(null);
  const chosen = chosenCount(selection, total);
  const counted =
    selection.mode === "all" && !exact
      ? `about ${aboutCount(chosen)} leads`
      : `${NUMBER.format(chosen)} ${chosen === 1 ? "lead" : "leads"}`;
  const groups = offered(me.data?.role ?? "");
  const all = groups.flatMap((group) => group.commands);
  const campaigns = valuesOf(filter, "campaign_id");
  if (chosen === 0) return null;
  return (
    <section className="action-bar" aria-label="Chosen leads">
      <Group gap="xs" wrap="nowrap">
        <CloseButton size="sm" aria-label="Choose none" onClick={onNone} />
        <Text size="sm" fw={600} role="status" className="number">
          {counted} chosen
        </Text>
        {selection.mode === "all" && selection.except.size > 0 && (
          <Text size="xs" c="dimmed">
            all but {NUMBER.format(selection.except.size)}
          </Text>
        )}
        {selection.mode === "some" && total > chosen && (
          <Button size="compact-xs" variant="subtle" onClick={onAll}>
            Select all {exact ? NUMBER.format(total) : `about ${aboutCount(total)}`} that match
          </Button>
        )}
        <Group gap={6} ml="auto" wrap="nowrap">
          {FIRST.flatMap((name) => all.filter((one) => one.name === name)).map((command) => (
            <Button
              key={command.name}
              size="compact-sm"
              variant="default"
              onClick={() => setDoing(command)}
            >
              {commandLabel(command.name)}
            </Button>
          ))}
          {groups.length > 0 && (
            <Menu position="top-end" withinPortal>
              <Menu.Target>
                <Button size="compact-sm" rightSection={<IconChevronDown size={13} aria-hidden />}>
                  All actions
                </Button>
              </Menu.Target>
              <Menu.Dropdown>
                <ScrollArea.Autosize mah={420} type="auto">
                  {groups.map((group) => (
                    <div key={group.title}>
                      <Menu.Label>{group.title}</Menu.Label>
                      {group.commands.map((command) => (
                        <Menu.Item
                          key={command.name}
                          py={4}
                          {...(group.title === "For good" && { color: "red" })}
                          onClick={() => setDoing(command)}
                        >
                          {commandLabel(command.name)}
                        </Menu.Item>
                      ))}
                    </div>
                  ))}
                </ScrollArea.Autosize>
              </Menu.Dropdown>
            </Menu>
          )}
          {me.data !== undefined && groups.length === 0 && (
            <Text size="xs" c="dimmed">
              Your role changes no leads.
            </Text>
          )}
        </Group>
      </Group>
      {doing !== null && (
        <BulkDrawer
          command={doing}
          selection={selection}
          filter={filter}
          counted={counted}
          campaignId={campaigns.length === 1 ? String(campaigns[0]) : null}
          onClose={() => setDoing(null)}
        />
      )}
    </section>
  );
}

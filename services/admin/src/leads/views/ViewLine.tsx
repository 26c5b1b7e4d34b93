import { ActionIcon, Menu, Text, Tooltip, UnstyledButton } from "@mantine/core";
import {
  IconCopy,
  IconDots,
  IconHistory,
  IconPencil,
  IconShare,
  IconStar,
  IconStarFilled,
  IconTrash,
} from "@tabler/icons-react";
import type { Schemas } from "../../api/client";
import { aboutCount } from "../grid/about";
import type { View } from "../useViews";

const COMPACT = new Intl.NumberFormat();

/** What a line of the rail can ask for. */
export type ViewAsk = "favourite" | "clone" | "rename" | "share" | "versions" | "delete";

/** A view in the rail: its name, how many leads it has, the star, and what can be done with it. */
export function ViewLine({
  view,
  here,
  count,
  onOpen,
  onAsk,
}: {
  view: View;
  here: boolean;
  count: Schemas["ViewCount"] | undefined;
  onOpen: () => void;
  onAsk: (what: ViewAsk) => void;
}) {
  const Star = view.favourite ? IconStarFilled : IconStar;
  const own = view.may === "own";
  return (
    <div className="view-line" data-here={here || undefined}>
      <UnstyledButton
        className="view-press"
        aria-current={here ? "page" : undefined}
        onClick={onOpen}
        title={view.name}
      >
        <Text size="sm" truncate fw={here ? 600 : 400}>
          {view.name}
        </Text>
      </UnstyledButton>
      <Tooltip label={view.favourite ? "It opens first" : "Let it open first"} openDelay={500}>
        <ActionIcon
          className="view-tools"
          data-on={view.favourite || undefined}
          size="xs"
          variant="transparent"
          color={view.favourite ? "yellow.6" : "gray"}
          aria-label={
            view.favourite ? `${view.name} opens first; end that` : `Let ${view.name} open first`
          }
          aria-pressed={view.favourite}
          onClick={() => onAsk("favourite")}
        >
          <Star size={13} aria-hidden />
        </ActionIcon>
      </Tooltip>
      <Text size="xs" c="dimmed" className="number" px={4} title={count?.exact ? "" : "estimated"}>
        {count === undefined || count.count === null
          ? ""
          : count.exact
            ? COMPACT.format(count.count)
            : `~${aboutCount(count.count)}`}
      </Text>
      <Menu position="bottom-start" withinPortal returnFocus>
        <Menu.Target>
          <ActionIcon
            className="view-tools"
            size="xs"
            variant="transparent"
            color="gray"
            aria-label={`What to do with ${view.name}`}
          >
            <IconDots size={14} aria-hidden />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconCopy size={15} />} onClick={() => onAsk("clone")}>
            Clone
          </Menu.Item>
          {view.kind !== "default" && (
            <>
              {view.may !== "view" && (
                <Menu.Item leftSection={<IconPencil size={15} />} onClick={() => onAsk("rename")}>
                  Rename
                </Menu.Item>
              )}
              {own && (
                <Menu.Item leftSection={<IconShare size={15} />} onClick={() => onAsk("share")}>
                  Share
                </Menu.Item>
              )}
              <Menu.Item leftSection={<IconHistory size={15} />} onClick={() => onAsk("versions")}>
                Versions
              </Menu.Item>
              {own && (
                <Menu.Item
                  color="red"
                  leftSection={<IconTrash size={15} />}
                  onClick={() => onAsk("delete")}
                >
                  Delete
                </Menu.Item>
              )}
            </>
          )}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useRef } from "react";
import type { Schemas } from "../../api/client";
import { commandLabel, newKey, send } from "../../api/commands";
import { Problem } from "../../api/problem";
import { useMe } from "../../api/queries";
import { type Before, type Order, oppositeOf } from "./undo";

const UNDO_MS = 10_000;

/** What a command is about: one lead, or one stream of another kind. */
export interface Target {
  /** The id in its path; nothing where the command has none. */
  id?: string;
  /** The version one has seen. */
  version?: number;
  /** What people call it. */
  name: string;
  campaignId?: string | null;
  /** The lead as one has seen it, where it is a lead: what is needed to take a change back. */
  before?: Before;
}

/**
 * Sends commands about a target. When one is done it says so, with "Undo" where there is a way
 * back. The same order gets the same key, so that a press after a lost answer does nothing twice.
 */
export function useOrders(): (order: Order, target: Target) => Promise<Schemas["CommandAnswer"]> {
  const queries = useQueryClient();
  const role = useMe().data?.role ?? "";
  const last = useRef({ order: "", key: "" });
  return useCallback(
    async (order, target) => {
      const told = JSON.stringify([order, target.id, target.version]);
      if (last.current.order !== told) last.current = { order: told, key: newKey() };
      const answer = await send({
        ...order,
        key: last.current.key,
        version: target.version,
        ...(target.id !== undefined && { id: target.id }),
      });
      last.current = { order: "", key: "" };
      await queries.invalidateQueries();
      const back = answer.changed ? oppositeOf(order, target.before ?? {}, role) : null;
      tell(order, target, answer, back, async () => {
        if (back === null) return;
        try {
          // What somebody changed since then is not overwritten.
          await send({
            ...back,
            version: answer.version,
            ...(target.id !== undefined && { id: target.id }),
          });
          notifications.show({ message: `${commandLabel(order.name)} was taken back.` });
        } catch (error) {
          const problem = error instanceof Problem ? error : null;
          const reasons = problem?.reasons.map((reason) => reason.detail).join(" ");
          notifications.show({
            color: "red",
            title: "It could not be taken back",
            message: reasons || problem?.detail || String(error),
            autoClose: false,
          });
        }
        await queries.invalidateQueries();
      });
      return answer;
    },
    [queries, role],
  );
}

function tell(
  order: Order,
  target: Target,
  answer: Schemas["CommandAnswer"],
  back: Order | null,
  undo: () => Promise<void>,
): void {
  const id = newKey();
  const left = answer.dropped ?? [];
  notifications.show({
    id,
    autoClose: back === null ? 5_000 : UNDO_MS,
    title: `${commandLabel(order.name)}: ${answer.changed ? "done" : "it was so already"}`,
    message: (
      <Group justify="space-between" wrap="nowrap" gap="sm">
        <Text size="sm" c="dimmed" truncate>
          {left.length > 0 ? `Left behind: ${left.join(", ")}` : target.name}
        </Text>
        {back !== null && (
          <Button
            size="compact-xs"
            variant="light"
            onClick={() => {
              notifications.hide(id);
              undo();
            }}
          >
            Undo
          </Button>
        )}
      </Group>
    ),
  });
}

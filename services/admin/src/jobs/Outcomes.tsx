import { Group, Text, UnstyledButton } from "@mantine/core";
import { figure, worded } from "./figures";

const COLOURS: Record<string, string> = {
  created: "green",
  accepted: "green",
  updated: "blue",
  refused: "red",
  kept: "orange",
  erased: "orange",
  reversed: "teal",
};
/** Outcomes that are told even when there are none: one looks for them. */
const ALWAYS = new Set(["created", "updated", "refused", "accepted", "reversed"]);

/** How many rows had which outcome. One can choose an outcome to see its rows. */
export function Outcomes(props: {
  rows: Record<string, number>;
  order: readonly string[];
  words?: Record<string, string>;
  chosen?: string | undefined;
  onChoose?: (outcome: string | undefined) => void;
}) {
  return (
    <Group gap="xs">
      {props.order
        .filter((outcome) => (props.rows[outcome] ?? 0) > 0 || ALWAYS.has(outcome))
        .filter((outcome) => props.rows[outcome] !== undefined)
        .map((outcome) => (
          <UnstyledButton
            key={outcome}
            className="outcome"
            disabled={props.onChoose === undefined || props.rows[outcome] === 0}
            aria-pressed={props.chosen === outcome}
            onClick={() => props.onChoose?.(props.chosen === outcome ? undefined : outcome)}
          >
            <Text
              className="number"
              size="xl"
              fw={700}
              c={props.rows[outcome] === 0 ? "dimmed" : (COLOURS[outcome] ?? "inherit")}
            >
              {figure(props.rows[outcome] ?? 0)}
            </Text>
            <Text size="xs" c="dimmed">
              {props.words?.[outcome] ?? worded(outcome)}
            </Text>
          </UnstyledButton>
        ))}
    </Group>
  );
}

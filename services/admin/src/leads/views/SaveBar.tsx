import { Alert, Button, Group, HoverCard, List, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useState } from "react";
import { useCommand } from "../../api/commands";
import { ProblemAlert } from "../../parts/ProblemAlert";
import { sent } from "../filter/tree";
import { type LeadsState, storedLayout } from "../useLeadsState";
import type { View } from "../useViews";
import { NameModal } from "./NameModal";

const NOTHING_CHANGED = {
  q: undefined,
  filter: undefined,
  sort: undefined,
  columns: undefined,
  widths: undefined,
  rows: undefined,
  focus: undefined,
};

/** What a view keeps of the list as it stands. The search box becomes part of its filter. */
export function contentsOf(state: LeadsState) {
  return {
    filter: sent(state.tree ?? null, state.q).filter,
    columns: [...state.columns],
    sort: state.sort,
    layout: storedLayout(state.layout),
  };
}

/** Says what differs from the saved view: save it, save it as another one, or leave it. */
export function SaveBar({ state }: { state: LeadsState }) {
  const [naming, setNaming] = useState(false);
  const command = useCommand();
  const { view, changed, set } = state;
  const may = view !== undefined && view.kind !== "default" && view.may !== "view";
  const save = () =>
    view &&
    command.mutate(
      {
        name: "ChangeView",
        id: view.view,
        body: contentsOf(state),
        version: view.version ?? undefined,
      },
      {
        onSuccess: () => {
          set(NOTHING_CHANGED, true);
          notifications.show({ message: `“${view.name}” is saved.`, color: "teal" });
        },
      },
    );
  const saveAs = (name: string) =>
    command.mutate(
      { name: "CreateView", body: { name, ...contentsOf(state) } },
      {
        onSuccess: (answer) => {
          setNaming(false);
          set({ ...NOTHING_CHANGED, view: answer.id });
          notifications.show({ message: `“${name}” is saved, for you alone.`, color: "teal" });
        },
      },
    );
  return (
    <Group gap={6} wrap="nowrap">
      {view !== undefined && view.unknown.length > 0 && <UnknownParts view={view} />}
      {changed.length > 0 && (
        <>
          <Text size="xs" c="dimmed" role="status" style={{ whiteSpace: "nowrap" }}>
            changed: {changed.join(", ")}
          </Text>
          {may && (
            <Button size="compact-xs" loading={command.isPending && !naming} onClick={save}>
              Save
            </Button>
          )}
          <Button size="compact-xs" variant="light" onClick={() => setNaming(true)}>
            Save as
          </Button>
          <Button size="compact-xs" variant="subtle" onClick={() => set(NOTHING_CHANGED)}>
            Discard
          </Button>
        </>
      )}
      {naming && (
        <NameModal
          title="Save as a view"
          label="Save"
          initial={view === undefined || view.kind === "default" ? "" : `${view.name} 2`}
          pending={command.isPending}
          error={command.error}
          onSubmit={saveAs}
          onClose={() => setNaming(false)}
        />
      )}
      {command.error !== null && !naming && (
        <Alert p={4} color="red" withCloseButton onClose={() => command.reset()}>
          <ProblemAlert error={command.error} />
        </Alert>
      )}
    </Group>
  );
}

function UnknownParts({ view }: { view: View }) {
  const { unknown } = view;
  return (
    <HoverCard width={340} shadow="md">
      <HoverCard.Target>
        <Button
          size="compact-xs"
          variant="light"
          color="yellow"
          leftSection={<IconAlertTriangle size={13} aria-hidden />}
        >
          {unknown.length === 1 ? "1 part is not used" : `${unknown.length} parts are not used`}
        </Button>
      </HoverCard.Target>
      <HoverCard.Dropdown>
        <List size="xs">
          {unknown.map((one) => (
            <List.Item key={`${one.pointer} ${one.detail}`}>{one.detail}</List.Item>
          ))}
        </List>
        <Text size="xs" c="dimmed" mt={6}>
          They are kept in the view, and used again when they are there again.
        </Text>
      </HoverCard.Dropdown>
    </HoverCard>
  );
}

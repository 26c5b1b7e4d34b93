import { Button, Group, List, Modal, Popover, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useCommand } from "../../api/commands";
import { Problem } from "../../api/problem";
import { useNames } from "../../api/queries";
import { worded } from "../../jobs/figures";
import { Moment } from "../../parts/Moment";
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

/**
 * What of a saved view is to be changed. What is as it was stays in the view whole, also the parts
 * of it that cannot be used now.
 */
export function changesOf(state: LeadsState) {
  const all = contentsOf(state);
  return Object.fromEntries(state.changed.map((part) => [part, all[part]]));
}

/** Says what differs from the saved view: save it, save it as another one, or leave it. */
export function SaveBar({ state }: { state: LeadsState }) {
  const [naming, setNaming] = useState(false);
  const command = useCommand();
  const queries = useQueryClient();
  const { view, changed, set } = state;
  const may = view !== undefined && view.kind !== "default" && view.may !== "view";
  const save = () =>
    view &&
    command.mutate(
      {
        name: "ChangeView",
        id: view.view,
        body: changesOf(state),
        version: view.version ?? undefined,
      },
      {
        // What somebody else saved meanwhile is read, so that one sees it and can go on.
        onError: () => queries.invalidateQueries({ queryKey: ["views"] }),
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
      {command.error !== null && !naming && view !== undefined && (
        <NotSaved
          view={view}
          changed={changed}
          error={command.error}
          onSave={save}
          onClose={() => command.reset()}
        />
      )}
    </Group>
  );
}

/** Why a view was not saved; where somebody else was faster, who that was and a way on. */
function NotSaved({
  view,
  changed,
  error,
  onSave,
  onClose,
}: {
  view: View;
  changed: readonly string[];
  error: Error;
  onSave: () => void;
  onClose: () => void;
}) {
  const names = useNames();
  const moved = error instanceof Problem && error.status === 412;
  return (
    <Modal opened onClose={onClose} title={`“${view.name}” is not saved`}>
      <Stack>
        {moved ? (
          <Text size="sm">
            {names.actor(view.changed_by)} changed it, <Moment at={view.changed_at} />, after you
            had opened it. What you did not change is shown as it is now; saving puts your{" "}
            {changed.join(", ")} in the place of theirs. Its versions keep both.
          </Text>
        ) : (
          <ProblemAlert error={error} />
        )}
        <Group justify="end">
          <Button variant="default" onClick={onClose}>
            Do not save
          </Button>
          {moved && changed.length > 0 && <Button onClick={onSave}>Save mine all the same</Button>}
        </Group>
      </Stack>
    </Modal>
  );
}

function UnknownParts({ view }: { view: View }) {
  const { unknown } = view;
  return (
    <Popover width={360} shadow="md" position="bottom-start">
      <Popover.Target>
        <Button
          size="compact-xs"
          variant="light"
          color="yellow"
          leftSection={<IconAlertTriangle size={13} aria-hidden />}
        >
          {unknown.length === 1 ? "1 part is not used" : `${unknown.length} parts are not used`}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <List size="xs">
          {unknown.map((one) => (
            <List.Item key={`${one.pointer} ${one.detail}`}>
              {worded(one.pointer.split("/")[1] ?? "")}: {one.detail}
            </List.Item>
          ))}
        </List>
        <Text size="xs" c="dimmed" mt={6}>
          They are kept in the view, and used again when they are there again. Only another filter,
          sort or choice of columns saved in their place takes them out.
        </Text>
      </Popover.Dropdown>
    </Popover>
  );
}

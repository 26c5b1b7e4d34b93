import { Button, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useCommand } from "../../api/commands";
import { ZONE } from "../../parts/Moment";
import type { LeadsState } from "../useLeadsState";
import type { View } from "../useViews";
import { DeletedViews } from "./DeletedViews";
import { NameModal } from "./NameModal";
import { ShareModal } from "./ShareModal";
import { useViewCounts } from "./useViewCounts";
import { VersionsModal } from "./VersionsModal";
import { type ViewAsk, ViewLine } from "./ViewLine";

const GROUPS = [
  { kind: "own", title: "My views" },
  { kind: "shared", title: "Shared with me" },
  { kind: "default", title: "Views" },
] as const;

/** All views with their counts; the one that is open, and what can be done with each. */
export function ViewsRail({ state }: { state: LeadsState }) {
  const counts = useViewCounts();
  const command = useCommand();
  const [asked, setAsked] = useState<{ view: View; what: ViewAsk } | null>(null);
  const [deleted, setDeleted] = useState(false);
  const close = () => {
    setAsked(null);
    command.reset();
  };
  const open = (view: string) =>
    state.set({
      view,
      q: undefined,
      filter: undefined,
      sort: undefined,
      columns: undefined,
      widths: undefined,
      rows: undefined,
      focus: undefined,
    });
  const ask = (view: View, what: ViewAsk) => {
    if (what === "favourite") {
      command.mutate(
        view.favourite
          ? { name: "ClearFavourite" }
          : { name: "ChooseFavourite", body: { view: view.view } },
      );
    } else if (what === "delete") remove(view);
    else setAsked({ view, what });
  };
  const remove = (view: View) =>
    command.mutate(
      { name: "DeleteView", id: view.view },
      {
        onSuccess: () => {
          if (state.view?.view === view.view) open("all");
          const id = `deleted ${view.view}`;
          notifications.show({
            id,
            message: (
              <>
                “{view.name}” is deleted.{" "}
                <Button
                  size="compact-xs"
                  variant="light"
                  onClick={() => {
                    notifications.hide(id);
                    command.mutate({ name: "RestoreView", id: view.view });
                  }}
                >
                  Undo
                </Button>
              </>
            ),
            autoClose: 10_000,
          });
        },
      },
    );
  const shown = asked && (state.views.find((one) => one.view === asked.view.view) ?? asked.view);
  return (
    <nav className="views-rail" aria-label="Views">
      {GROUPS.map(({ kind, title }) => {
        const views = state.views.filter((view) => view.kind === kind);
        if (views.length === 0) return null;
        return (
          <section key={kind} aria-label={title}>
            <Text size="xs" c="dimmed" fw={600} px={6} pt={6} pb={2}>
              {title}
            </Text>
            {views.map((view) => (
              <ViewLine
                key={view.view}
                view={view}
                here={view.view === state.view?.view}
                count={counts.get(view.view)}
                onOpen={() => open(view.view)}
                onAsk={(what) => ask(view, what)}
              />
            ))}
          </section>
        );
      })}
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        mt="sm"
        aria-expanded={deleted}
        onClick={() => setDeleted(!deleted)}
      >
        Deleted views
      </Button>
      {deleted && <DeletedViews />}
      {shown && asked.what === "share" && <ShareModal view={shown} onClose={close} />}
      {shown && asked.what === "versions" && <VersionsModal view={shown} onClose={close} />}
      {shown && (asked.what === "clone" || asked.what === "rename") && (
        <NameModal
          title={`${asked.what === "clone" ? "Clone" : "Rename"} “${shown.name}”`}
          label={asked.what === "clone" ? "Clone" : "Rename"}
          initial={asked.what === "clone" ? `${shown.name} 2` : shown.name}
          pending={command.isPending}
          error={command.error}
          onClose={close}
          onSubmit={(name) =>
            command.mutate(
              asked.what === "clone"
                ? { name: "CopyView", body: { view: shown.view, name, zone: ZONE } }
                : { name: "RenameView", id: shown.view, body: { name } },
              {
                onSuccess: (answer) => {
                  if (asked.what === "clone") open(answer.id);
                  close();
                },
              },
            )
          }
        />
      )}
    </nav>
  );
}

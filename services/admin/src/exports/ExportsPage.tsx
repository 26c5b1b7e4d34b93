import { Button, Group, SegmentedControl, Switch, Title } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import { useMe } from "../api/queries";
import { worded } from "../jobs/figures";
import { ShowMore } from "../jobs/ShowMore";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { ProblemAlert } from "../parts/ProblemAlert";
import { ExportTable } from "./ExportTable";
import { NewExport } from "./NewExport";
import { useExports } from "./queries";
import { EXPORT_STATES, type ExportsSearch } from "./routes";

const route = getRouteApi("/exports");

/** The files of leads one asked for: how far they are, how long they stay, and a way to ask. */
export function ExportsPage() {
  const { view, filter, ask, ...kept } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: me } = useMe();
  const exports = useExports(kept.state, kept.whose ?? "mine");
  const seesAll = me !== undefined && ["admin", "auditor"].includes(me.role);
  const go = (search: ExportsSearch) => navigate({ search, replace: true });
  const all = exports.data?.pages.flatMap((page) => page.exports) ?? [];
  return (
    <div className="page">
      <Group mb="md">
        <Title order={1}>Exports</Title>
        <SegmentedControl
          size="xs"
          aria-label="State"
          value={kept.state ?? ""}
          data={[
            { value: "", label: "All" },
            ...EXPORT_STATES.map((state) => ({
              value: state,
              label: state === "removed" ? "File gone" : worded(state),
            })),
          ]}
          onChange={(value) => {
            const state = EXPORT_STATES.find((one) => one === value);
            go({
              ...(kept.whose !== undefined && { whose: kept.whose }),
              ...(state !== undefined && { state }),
            });
          }}
        />
        {seesAll && (
          <Switch
            size="xs"
            label="Of everybody"
            checked={kept.whose === "all"}
            onChange={(event) =>
              go({
                ...(kept.state !== undefined && { state: kept.state }),
                ...(event.currentTarget.checked && { whose: "all" }),
              })
            }
          />
        )}
        <Button
          ml="auto"
          leftSection={<IconPlus size={16} aria-hidden />}
          onClick={() => go({ ...kept, ask: true })}
        >
          Export leads
        </Button>
      </Group>
      {exports.error !== null && (
        <ProblemAlert error={exports.error} retry={() => exports.refetch()} />
      )}
      {exports.isPending && <Loading lines={8} />}
      {exports.data !== undefined && all.length === 0 && (
        <EmptyState title="There are no exports here">
          Have the leads of a view written into a file. It is there for 24 hours; that it was asked
          for and taken stays in the log.
        </EmptyState>
      )}
      {all.length > 0 && <ExportTable exports={all} showsWho={kept.whose === "all"} />}
      <ShowMore of={exports} />
      {(ask === true || view !== undefined || filter !== undefined) && (
        <NewExport view={view ?? null} filter={filter ?? null} onClose={() => go(kept)} />
      )}
    </div>
  );
}

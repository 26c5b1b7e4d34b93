import { Alert, Button, Group, Progress, Text } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { figure, many } from "../jobs/figures";
import { Outcomes } from "../jobs/Outcomes";
import { ProblemAlert } from "../parts/ProblemAlert";
import { type Import, useImport, useImportStep, useProposal } from "./queries";
import { Reasons } from "./Reasons";
import { Rows } from "./Rows";
import { Warnings } from "./Warnings";

/** The outcomes of a run in the order they are shown, and what they are called before it. */
export const RUN_OUTCOMES = [
  "created",
  "updated",
  "unchanged",
  "skipped",
  "refused",
  "blank",
  "erased",
] as const;
const BEFORE: Record<string, string> = {
  created: "would be created",
  updated: "would be updated",
  unchanged: "would stay as they are",
  skipped: "would be skipped",
  refused: "would be refused",
  blank: "are empty",
};
const route = getRouteApi("/imports/$importId");

/** What would become of every row, by the decisions the import itself makes. */
export function PreviewStep({ one }: { one: Import }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const step = useImportStep(one.id);
  const waits = !one.previewed && !one.stalled;
  useImport(one.id, waits);
  const settings = one.settings as { encoding: "utf-8"; delimiter: string; header: boolean };
  const reading =
    one.kind === "csv"
      ? { encoding: settings.encoding, delimiter: settings.delimiter, header: settings.header }
      : { header: settings.header };
  const proposal = useProposal(one.id, reading);
  const rows = one.preview?.rows ?? {};
  const changing = (rows.created ?? 0) + (rows.updated ?? 0);
  return (
    <>
      {waits && (
        <div role="status">
          <Progress value={100} animated aria-label="Preview" />
          <Text size="sm" c="dimmed" mt={4}>
            {figure(one.preview?.reached ?? 0)} rows looked at. Nothing is changed.
          </Text>
        </div>
      )}
      {one.stalled && (
        <Alert color="red" title="The preview has stopped" mb="md">
          {one.fault}
        </Alert>
      )}
      <Warnings warnings={proposal.data?.warnings ?? []} />
      {one.preview !== null && (
        <Outcomes
          rows={rows}
          order={RUN_OUTCOMES}
          words={BEFORE}
          chosen={search.outcome}
          onChoose={(outcome) =>
            navigate({ search: { step: "preview", ...(outcome && { outcome }) }, replace: true })
          }
        />
      )}
      {one.previewed && (
        <>
          <Reasons id={one.id} step="plan" refused={rows.refused ?? 0} />
          {step.error !== null && <ProblemAlert error={step.error} />}
          <Group mt="md" mb="md">
            <Button
              loading={step.isPending}
              disabled={changing === 0}
              onClick={() =>
                step.mutate("run", { onSuccess: () => navigate({ search: {}, replace: true }) })
              }
            >
              {changing === 0 ? "Nothing to import" : `Import ${many(changing, "row")}`}
            </Button>
            <Text size="sm" c="dimmed">
              {(rows.refused ?? 0) > 0
                ? "Refused rows are left out. Afterwards you can download and mend them. "
                : ""}
              The import can be undone.
            </Text>
          </Group>
          <Rows id={one.id} step="plan" outcome={search.outcome} />
        </>
      )}
      {(one.stalled || one.previewed) && (
        <Group justify="end" mt="md">
          <Button variant="default" loading={step.isPending} onClick={() => step.mutate("preview")}>
            Preview again
          </Button>
        </Group>
      )}
    </>
  );
}

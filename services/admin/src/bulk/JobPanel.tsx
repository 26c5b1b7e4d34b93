import { Alert, Anchor, Button, Group, Progress, Stack, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { download } from "../api/client";
import { useMe, useNames } from "../api/queries";
import { ConfirmButton } from "../jobs/Confirm";
import { figure, many } from "../jobs/figures";
import { Outcomes } from "../jobs/Outcomes";
import { StateBadge } from "../jobs/StateBadge";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { Given } from "./Given";
import { type BulkJob, goesOn, useJob, useJobDeeds } from "./jobs";
import { OutcomeTable } from "./OutcomeTable";
import { Reasons } from "./Reasons";
import { jobTitle, stateOf } from "./words";

const FOR_GOOD = new Set(["DeleteLead", "AnonymiseLead", "DeleteUnprocessed"]);
const ORDER = ["applied", "reversed", "unchanged", "kept", "refused", "not_reached"];
const PLANNED_WORDS = {
  applied: "will change",
  unchanged: "stay as they are",
  refused: "are refused",
  reversed: "will be taken back",
  kept: "are kept, changed since",
};
const DONE_WORDS = {
  applied: "changed",
  unchanged: "stayed as they were",
  refused: "were refused",
  reversed: "were taken back",
  kept: "were kept, changed since",
  not_reached: "were not reached",
};

/** A bulk job from plan to undo: progress, the real counts, each lead, and what can be done. */
export function JobPanel({ id, onJob }: { id: string; onJob: (id: string) => void }) {
  const job = useJob(id);
  if (job.error !== null) return <ProblemAlert error={job.error} retry={() => job.refetch()} />;
  if (job.data === undefined) return <Loading />;
  return <Panel job={job.data} onJob={onJob} />;
}

function Panel({ job, onJob }: { job: BulkJob; onJob: (id: string) => void }) {
  const [outcome, setOutcome] = useState<string | undefined>();
  const names = useNames();
  const deeds = useJobDeeds(job.id);
  const error = deeds.cancel.error ?? deeds.undo.error ?? deeds.execute.error;
  const step = job.result === null && job.executing === null ? "plan" : "done";
  const counts = countsOf(job);
  return (
    <Stack gap="md">
      <Group gap="sm">
        <Text fw={600}>{jobTitle(job)}</Text>
        <StateBadge state={stateOf(job)} />
        <Text size="xs" c="dimmed">
          {many(job.selected, "lead")} · {names.actor(job.by)} · <Moment at={job.made_at} />
        </Text>
      </Group>
      {Object.keys(job.fields).length > 0 && (
        <Text size="sm" c="dimmed">
          <Given job={job} />
        </Text>
      )}
      {job.stalled && (
        <Alert color="red" title="It stands still" role="alert">
          {job.fault || "Its tries failed five times in a row."} Ask for it again, or cancel it.
        </Alert>
      )}
      {error !== null && <ProblemAlert error={error} />}
      <Running job={job} />
      {job.cancelled && job.result !== null && (
        <Text size="sm" role="status">
          {cancelledWords(job.result)}
        </Text>
      )}
      {counts !== null && (
        <Outcomes
          rows={counts}
          order={ORDER}
          words={step === "plan" ? PLANNED_WORDS : DONE_WORDS}
          chosen={outcome}
          onChoose={setOutcome}
        />
      )}
      <Reasons id={job.id} step={step} refused={counts?.refused ?? 0} />
      <Deeds job={job} deeds={deeds} onJob={onJob} />
      {counts !== null && <OutcomeTable id={job.id} step={step} outcome={outcome} />}
    </Stack>
  );
}

/** What a job had done when it was cancelled. */
function cancelledWords(result: Record<string, number>): string {
  const done = result.applied ?? result.reversed ?? 0;
  if (done === 0) return "It was cancelled before anything was changed.";
  return `It was cancelled when it had changed ${many(done, "lead")}; those can be undone.`;
}

/** What there is to count: the result, else what is done so far, else the plan. */
function countsOf(job: BulkJob): Record<string, number> | null {
  if (job.result !== null) return job.result;
  if (job.executing !== null) return job.executing.counts;
  if (job.plan !== null) {
    const { digest: _, ...counts } = job.plan as Record<string, number>;
    return counts;
  }
  return null;
}

function Running({ job }: { job: BulkJob }) {
  if (!goesOn(job)) return null;
  const progress = job.state === "planning" ? job.planning : job.executing;
  const share = progress === null || job.selected === 0 ? 0 : progress.done / job.selected;
  const what = job.state === "planning" ? "Looking at each lead" : "Changing";
  return (
    <div>
      <Text size="sm" role="status" className="number">
        {what}: {figure(progress?.done ?? 0)} of {figure(job.selected)}
      </Text>
      <Progress value={share * 100} animated aria-label={what} mt={4} />
    </div>
  );
}

function Deeds({
  job,
  deeds,
  onJob,
}: {
  job: BulkJob;
  deeds: ReturnType<typeof useJobDeeds>;
  onJob: (id: string) => void;
}) {
  const me = useMe();
  const mine = job.by === `user:${me.data?.user_id}`;
  const may = mine || me.data?.role === "admin";
  const plan = job.plan as (Record<string, number> & { digest: string }) | null;
  const changes = plan?.applied ?? plan?.reversed ?? 0;
  const changed = job.result?.applied ?? job.result?.reversed ?? 0;
  const forGood = job.kind === "change" && FOR_GOOD.has(job.command);
  const refused = job.result?.refused ?? plan?.refused ?? 0;
  const startable = plan !== null && (job.state === "planned" || job.stalled) && changes > 0;
  const leads = many(changes, "lead");
  return (
    <Group gap="sm">
      {startable && mine && (
        <ConfirmButton
          label={
            job.stalled ? "Try again" : `${job.kind === "undo" ? "Take back" : "Change"} ${leads}`
          }
          button={{ variant: "filled", ...(forGood && { color: "red" }) }}
          title={`${jobTitle(job)}: ${leads}`}
          deed={`${job.kind === "undo" ? "Take back" : "Change"} ${leads}`}
          danger={forGood}
          {...(forGood && { typed: String(changes) })}
          run={() => deeds.execute.mutateAsync(plan.digest)}
        >
          <Text size="sm">
            {leads} will change; {figure(job.selected - changes)} of {figure(job.selected)} stay as
            they are. {forGood ? "This cannot be undone." : "It can be undone afterwards."}
          </Text>
        </ConfirmButton>
      )}
      {plan !== null && job.state === "planned" && changes === 0 && (
        <Text size="sm">There is nothing to change.</Text>
      )}
      {job.state === "planned" && !mine && (
        <Text size="sm" c="dimmed">
          Only who made the plan carries it out.
        </Text>
      )}
      {job.state !== "finished" && job.state !== "cancelling" && may && (
        <Button
          variant="default"
          loading={deeds.cancel.isPending}
          onClick={() => deeds.cancel.mutate()}
        >
          {job.state === "planned" ? "Drop the plan" : "Cancel"}
        </Button>
      )}
      {job.state === "finished" && changed > 0 && job.undone_by === null && may && !forGood && (
        <Button
          variant="default"
          loading={deeds.undo.isPending}
          onClick={() => deeds.undo.mutate(undefined, { onSuccess: (undo) => onJob(undo.id) })}
        >
          Undo
        </Button>
      )}
      {job.undone_by !== null && (
        <Button variant="subtle" onClick={() => onJob(job.undone_by ?? "")}>
          Show its undo
        </Button>
      )}
      {job.undoes !== null && (
        <Button variant="subtle" onClick={() => onJob(job.undoes ?? "")}>
          Show what it takes back
        </Button>
      )}
      {refused > 0 && (
        <Button
          variant="subtle"
          leftSection={<IconDownload size={15} aria-hidden />}
          onClick={() => download(`/v1/bulk-jobs/${job.id}/refused.csv`, `refused-${job.id}.csv`)}
        >
          Refused leads as a file
        </Button>
      )}
      <Anchor
        component={Link}
        to="/bulk-jobs/$jobId"
        params={{ jobId: job.id } as never}
        size="xs"
        ml="auto"
      >
        Its own page
      </Anchor>
    </Group>
  );
}

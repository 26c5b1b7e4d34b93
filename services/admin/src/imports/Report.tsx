import { Alert, Button, Group, SegmentedControl, Text } from "@mantine/core";
import { IconArrowBackUp, IconDownload } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { download } from "../api/client";
import { useMe } from "../api/queries";
import { ConfirmButton } from "../jobs/Confirm";
import { figure, many } from "../jobs/figures";
import { Outcomes } from "../jobs/Outcomes";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { ImportProgress } from "./ImportsPage";
import { RUN_OUTCOMES } from "./PreviewStep";
import { type Import, useImportStep, useMayImport } from "./queries";
import { Reasons } from "./Reasons";
import { Rows } from "./Rows";

const UNDO_OUTCOMES = ["reversed", "kept", "refused", "unchanged", "erased"] as const;
const UNDONE: Record<string, string> = {
  reversed: "taken back",
  kept: "kept, changed since",
  refused: "could not be taken back",
};
const route = getRouteApi("/imports/$importId");

/** What became of an import: how far it is, each row's lead or reasons, and the way back. */
export function Report({ one }: { one: Import }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const [step, setStep] = useState<"done" | "undo" | null>(null);
  const shown = step ?? (one.undo !== null ? "undo" : "done");
  const rows = shown === "undo" ? (one.undo?.rows ?? {}) : (one.result ?? one.progress?.rows ?? {});
  const over = ["finished", "undone"].includes(one.state);
  return (
    <>
      <Told one={one} />
      <ImportProgress one={one} />
      {one.undo !== null && (
        <SegmentedControl
          mb="sm"
          size="xs"
          aria-label="What is shown"
          value={shown}
          data={[
            { value: "undo", label: "What was undone" },
            { value: "done", label: "What was imported" },
          ]}
          onChange={(value) => {
            setStep(value as "done" | "undo");
            navigate({ search: {}, replace: true });
          }}
        />
      )}
      <Outcomes
        rows={rows}
        order={shown === "undo" ? UNDO_OUTCOMES : RUN_OUTCOMES}
        {...(shown === "undo" && { words: UNDONE })}
        chosen={search.outcome}
        onChoose={(outcome) =>
          navigate({ search: outcome === undefined ? {} : { outcome }, replace: true })
        }
      />
      <Actions one={one} shown={shown} outcome={search.outcome} />
      {over && shown === "done" && (
        <Reasons id={one.id} step="done" refused={one.result?.refused ?? 0} />
      )}
      {(one.progress !== null || one.undo !== null) && (
        <Rows key={`${one.state} ${shown}`} id={one.id} step={shown} outcome={search.outcome} />
      )}
    </>
  );
}

function Told({ one }: { one: Import }) {
  if (one.cancelled_for === "number-erased") {
    return (
      <Alert color="orange" mb="md" title="Cancelled, because a number in the file was erased">
        What was done stays. The file is gone; a file without that number is a new import.
      </Alert>
    );
  }
  if (one.stalled) {
    return (
      <Alert color="red" mb="md" title="It stopped and is not tried again by itself">
        {one.fault}
      </Alert>
    );
  }
  if (one.cancelled) {
    return (
      <Text size="sm" c="dimmed" mb="md">
        Cancelled. What was done before stays.
      </Text>
    );
  }
  return null;
}

function Actions(props: { one: Import; shown: "done" | "undo"; outcome: string | undefined }) {
  const { one } = props;
  const step = useImportStep(one.id);
  const may = useMayImport();
  const { data: me } = useMe();
  const [error, setError] = useState<Error | null>(null);
  const take = (path: string, name: string) => {
    setError(null);
    download(path, name).catch((problem: Error) => setError(problem));
  };
  const made = (one.result?.created ?? 0) + (one.result?.updated ?? 0);
  const query = new URLSearchParams({
    step: props.shown,
    limit: "1000",
    ...(props.outcome !== undefined && { outcome: props.outcome }),
  });
  return (
    <Group my="md" gap="sm">
      {one.state === "running" && may && (
        <ConfirmButton
          label="Cancel"
          title="Cancel this import?"
          deed="Cancel the import"
          danger
          run={() => step.mutateAsync("cancel")}
        >
          <Text size="sm">
            {many(one.progress?.reached ?? 0, "row")} are done and stay; nothing more is done.
          </Text>
        </ConfirmButton>
      )}
      {one.stalled && may && (
        <Button
          loading={step.isPending}
          onClick={() => step.mutate(one.state === "undoing" ? "undo" : "run")}
        >
          Try again
        </Button>
      )}
      {one.progress !== null && (
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => take(`/v1/imports/${one.id}/rows.csv?${query}`, "rows.csv")}
        >
          {props.outcome === undefined ? "Report as CSV" : `Report of ${props.outcome} as CSV`}
        </Button>
      )}
      {(one.result?.refused ?? 0) > 0 && one.by === me?.actor && one.file_until !== null && (
        <>
          <Button
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            onClick={() => take(`/v1/imports/${one.id}/refused.csv`, "refused.csv")}
          >
            Refused rows as CSV
          </Button>
          <Text size="xs" c="dimmed">
            as they came, until <Moment at={one.file_until} />
          </Text>
        </>
      )}
      {one.state === "finished" && made > 0 && may && (
        <ConfirmButton
          label="Undo"
          button={{ ml: "auto" }}
          leftSection={<IconArrowBackUp size={16} aria-hidden />}
          title="Undo this import?"
          deed="Undo the import"
          danger
          run={() => step.mutateAsync("undo")}
        >
          <Text size="sm">
            {figure(one.result?.created ?? 0)} created leads are deleted, and{" "}
            {figure(one.result?.updated ?? 0)} updated ones get back what they had. A lead that
            somebody changed since stays as it is, and is named.
          </Text>
        </ConfirmButton>
      )}
      {error !== null && <ProblemAlert error={error} />}
      {step.error !== null && <ProblemAlert error={step.error} />}
    </Group>
  );
}

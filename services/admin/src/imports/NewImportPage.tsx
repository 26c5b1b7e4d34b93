import { Button, Group, Progress, Select, Stack, Stepper, Text, Title } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { useRef, useState } from "react";
import type { Schemas } from "../api/client";
import { useCampaigns } from "../api/queries";
import { FileDrop } from "../jobs/FileDrop";
import { fileSize } from "../jobs/figures";
import { upload } from "../jobs/upload";
import { ProblemAlert } from "../parts/ProblemAlert";
import { STEP_NAMES } from "./Wizard";

const CSV_MAX = 256 * 1024 * 1024;
const WORKBOOK_MAX = 64 * 1024 * 1024;
const WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const TAKES =
  "CSV of any kind up to 256 MB, or a workbook (xlsx) up to 64 MB. Nothing is imported yet.";
const route = getRouteApi("/imports/new");

function isWorkbook(file: File): boolean {
  return file.name.toLowerCase().endsWith(".xlsx");
}

/** Why a file is not worth being sent, or null. The service looks again. */
export function tooLarge(file: File): string | null {
  const limit = isWorkbook(file) ? WORKBOOK_MAX : CSV_MAX;
  if (file.size <= limit) return null;
  const sizes = `It has ${fileSize(file.size)}; ${fileSize(limit)} are the most.`;
  return `${sizes} Cut it in parts.`;
}

/** The first step of an import: which campaign, which file. */
export function NewImportPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const campaigns = useCampaigns();
  const [file, setFile] = useState<File | null>(null);
  const [sent, setSent] = useState<number | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const stop = useRef<AbortController | null>(null);
  const active = (campaigns.data?.campaigns ?? []).filter((one) => one.active);
  const campaign = search.campaign ?? (active.length === 1 ? active[0]?.campaign_id : undefined);
  const large = file === null ? null : tooLarge(file);

  const send = async () => {
    if (file === null || campaign === undefined) return;
    const giveUp = new AbortController();
    stop.current = giveUp;
    setError(null);
    setSent(0);
    try {
      const query = new URLSearchParams({ campaign_id: campaign, file_name: file.name });
      const answer = await upload<Schemas["UploadAnswer"]>({
        path: `/v1/imports?${query}`,
        file,
        type: isWorkbook(file) ? WORKBOOK : "text/csv",
        onProgress: setSent,
        signal: giveUp.signal,
      });
      navigate({ to: "/imports/$importId", params: { importId: answer.id } as never });
    } catch (problem) {
      const gaveUp = problem instanceof DOMException && problem.name === "AbortError";
      if (!gaveUp) setError(problem instanceof Error ? problem : new Error(String(problem)));
      setSent(null);
    }
  };

  return (
    <div className="page">
      <Title order={1} mb="md">
        Import a file
      </Title>
      <Stepper active={0} size="sm" mb="lg">
        {STEP_NAMES.map((name) => (
          <Stepper.Step key={name} label={name} />
        ))}
      </Stepper>
      <Stack maw={760} gap="md">
        <Select
          label="Campaign"
          description="The leads are of this campaign, with its fields and its duplicate key."
          placeholder="Choose a campaign"
          required
          value={campaign ?? null}
          data={active.map((one) => ({ value: one.campaign_id, label: one.name }))}
          onChange={(value) =>
            navigate({
              search: { ...search, ...(value !== null && { campaign: value }) },
              replace: true,
            })
          }
        />
        <FileDrop
          file={file}
          onFile={(chosen) => {
            setFile(chosen);
            setError(null);
          }}
          accept=".csv,.txt,.tsv,.xlsx,text/csv"
          takes={TAKES}
          disabled={sent !== null}
        />
        {large !== null && (
          <Text c="red" size="sm" role="alert">
            {large}
          </Text>
        )}
        {error !== null && <ProblemAlert error={error} retry={send} />}
        {sent !== null && (
          <div>
            <Progress value={sent * 100} animated aria-label="Upload" />
            <Text size="xs" c="dimmed" mt={4}>
              {sent < 1 ? `${Math.round(sent * 100)} % sent` : "Sent. Its columns are being read."}
            </Text>
          </div>
        )}
        <Group justify="end">
          {sent !== null && (
            <Button variant="default" onClick={() => stop.current?.abort()}>
              Give up
            </Button>
          )}
          <Button
            onClick={send}
            loading={sent !== null}
            disabled={file === null || campaign === undefined || large !== null}
          >
            Upload
          </Button>
        </Group>
      </Stack>
    </div>
  );
}

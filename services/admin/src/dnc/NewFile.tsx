import {
  Button,
  Group,
  Modal,
  Progress,
  SegmentedControl,
  Select,
  Stack,
  Text,
  TextInput,
} from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useCampaigns, useMe } from "../api/queries";
import { regions } from "../imports/regions";
import { FileDrop } from "../jobs/FileDrop";
import { fileSize } from "../jobs/figures";
import { upload } from "../jobs/upload";
import { ProblemAlert } from "../parts/ProblemAlert";
import type { DncFile } from "./queries";

const BYTES_MAX = 64 * 1024 * 1024;

/** Uploads a file of numbers; it is planned, and nothing is added or lifted yet. */
export function NewFile({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const campaigns = useCampaigns();
  const { data: me } = useMe();
  const countries = useMemo(regions, []);
  const [file, setFile] = useState<File | null>(null);
  const [action, setAction] = useState("add");
  const [campaign, setCampaign] = useState<string | null>(null);
  const [reason, setReason] = useState("");
  const [expires, setExpires] = useState<string | null>(null);
  const [region, setRegion] = useState<string | null>(null);
  const [column, setColumn] = useState("");
  const [sent, setSent] = useState<number | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const large = file !== null && file.size > BYTES_MAX;
  const send = async () => {
    if (file === null) return;
    setError(null);
    setSent(0);
    const query = new URLSearchParams({
      action,
      scope: campaign === null ? "global" : "campaign",
      reason,
      ...(campaign !== null && { campaign_id: campaign }),
      ...(expires !== null && action === "add" && { expires_at: new Date(expires).toISOString() }),
      ...(region !== null && { default_region: region }),
      ...(column.trim() !== "" && { column: column.trim() }),
    });
    try {
      const path = `/v1/do-not-call-files?${query}`;
      const answer = await upload<DncFile>({ path, file, type: "text/csv", onProgress: setSent });
      navigate({ to: "/do-not-call/files/$fileId", params: { fileId: answer.id } as never });
    } catch (problem) {
      setError(problem instanceof Error ? problem : new Error(String(problem)));
      setSent(null);
    }
  };
  return (
    <Modal opened onClose={onClose} title="Upload a file of numbers" size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          send();
        }}
      >
        <Stack gap="md">
          <FileDrop
            file={file}
            onFile={setFile}
            accept=".csv,.txt,text/csv"
            takes="CSV, or one number a line, up to 64 MB. Nothing is changed yet."
            disabled={sent !== null}
          />
          {large && (
            <Text c="red" size="sm" role="alert">
              It has {fileSize(file.size)}; 64 MB are the most. Cut it in parts.
            </Text>
          )}
          {me?.role === "admin" && (
            <SegmentedControl
              aria-label="What becomes of the numbers"
              value={action}
              data={[
                { value: "add", label: "Not to be called" },
                { value: "lift", label: "May be called again" },
              ]}
              onChange={setAction}
            />
          )}
          <Group grow align="start">
            <Select
              label="In"
              placeholder="All campaigns"
              clearable
              value={campaign}
              data={(campaigns.data?.campaigns ?? []).map((one) => ({
                value: one.campaign_id,
                label: one.name,
              }))}
              onChange={setCampaign}
            />
            <TextInput
              label="Reason"
              required={action === "lift"}
              maxLength={200}
              value={reason}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
          </Group>
          <Group grow align="start">
            <Select
              label="Country of the numbers"
              placeholder="With + and country code"
              clearable
              value={region}
              data={countries}
              onChange={setRegion}
            />
            <TextInput
              label="Column"
              placeholder="The first"
              description="Its name, or its place from 1"
              inputWrapperOrder={["label", "input", "description"]}
              value={column}
              onChange={(event) => setColumn(event.currentTarget.value)}
            />
            {action === "add" && (
              <DateTimePicker
                label="Until"
                description="Empty: no end"
                inputWrapperOrder={["label", "input", "description"]}
                clearable
                value={expires}
                onChange={setExpires}
              />
            )}
          </Group>
          {sent !== null && <Progress value={sent * 100} animated aria-label="Upload" />}
          {error !== null && <ProblemAlert error={error} />}
          <Group justify="end">
            <Button variant="default" onClick={onClose}>
              Back
            </Button>
            <Button type="submit" loading={sent !== null} disabled={file === null || large}>
              Upload and look
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, data } from "../api/client";
import { minPosition } from "../api/lag";
import { useMay } from "../api/permission";
import { counted } from "../parts/numbers";
import { ProblemAlert } from "../parts/ProblemAlert";

/**
 * Deletes what nobody has worked on of a pool: the leads are frozen and counted first, then a bulk
 * job is planned, and its page asks before anything is deleted.
 */
export function DeleteUnprocessed({ poolId }: { poolId: string }) {
  const [open, { open: show, close }] = useDisclosure(false);
  const [reason, setReason] = useState("");
  const navigate = useNavigate();
  const may = useMay();
  const select = useMutation({
    mutationFn: () =>
      data(
        api.POST("/v1/pools/{pool_id}/select-unprocessed", {
          params: { path: { pool_id: poolId }, query: { min_position: minPosition() } },
        }),
      ),
  });
  const plan = useMutation({
    mutationFn: (selection: { id: string; digest: string }) =>
      data(
        api.POST("/v1/bulk-jobs", {
          body: {
            selection: selection.id,
            digest: selection.digest,
            command: { name: "DeleteUnprocessed", pool_id: poolId, reason },
          },
        }),
      ),
    onSuccess: (job) => navigate({ to: `/bulk-jobs/${job.id}` }),
  });
  if (!may("DeleteUnprocessed")) return null;
  const found = select.data;
  return (
    <>
      <Button
        variant="default"
        c="red"
        onClick={() => {
          show();
          select.mutate();
        }}
      >
        Delete unprocessed
      </Button>
      <Modal opened={open} onClose={close} title="Delete what nobody has worked on">
        <Stack>
          {select.error && <ProblemAlert error={select.error} retry={() => select.mutate()} />}
          {select.isPending && <Text size="sm">Counting…</Text>}
          {found?.count === 0 && (
            <Text size="sm">
              Every lead of this pool was worked on. There is nothing to delete.
            </Text>
          )}
          {found !== undefined && found.count > 0 && (
            <>
              <Text size="sm">
                {counted(found.count, "lead")} of this pool{" "}
                {found.count === 1 ? "was never tried and has" : "were never tried and have"} no
                result. Their data is erased for good. You see the plan first, and nothing is
                deleted before you say so there.
              </Text>
              <TextInput
                label="Reason"
                description="Stands in the log of each lead."
                value={reason}
                onChange={(event) => setReason(event.currentTarget.value)}
                data-autofocus
              />
            </>
          )}
          {plan.error && <ProblemAlert error={plan.error} />}
          <Group justify="end">
            <Button variant="default" onClick={close}>
              Close
            </Button>
            {found !== undefined && found.count > 0 && (
              <Button
                loading={plan.isPending}
                disabled={reason.trim() === ""}
                onClick={() => plan.mutate(found)}
              >
                Plan it
              </Button>
            )}
          </Group>
        </Stack>
      </Modal>
    </>
  );
}

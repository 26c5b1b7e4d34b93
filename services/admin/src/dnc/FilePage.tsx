import {
  Alert,
  Anchor,
  Breadcrumbs,
  Button,
  Group,
  Progress,
  Table,
  Text,
  Title,
} from "@mantine/core";
import { getRouteApi, Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { download } from "../api/client";
import { useNames } from "../api/queries";
import { ConfirmButton } from "../jobs/Confirm";
import { figure, fileSize, many, worded } from "../jobs/figures";
import { Outcomes } from "../jobs/Outcomes";
import { ShowMore } from "../jobs/ShowMore";
import { StateBadge } from "../jobs/StateBadge";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useFileWords } from "./Files";
import { type DncFile, useFile, useFileRows, useFileStep } from "./queries";

const ORDER = ["accepted", "there", "refused", "empty"] as const;
const route = getRouteApi("/do-not-call/files/$fileId");

/** One file of numbers: its plan, then what became of it, row by row. */
export function FilePage() {
  const { fileId } = useParams({ strict: false }) as { fileId: string };
  const found = useFile(fileId);
  const words = useFileWords();
  const names = useNames();
  const one = found.data;
  return (
    <div className="page">
      <Breadcrumbs mb={4}>
        <Anchor component={Link} to="/do-not-call" search={{ tab: "files" } as never} size="xs">
          Do not call
        </Anchor>
      </Breadcrumbs>
      {found.error !== null && <ProblemAlert error={found.error} retry={() => found.refetch()} />}
      {found.isPending && <Loading lines={6} />}
      {one !== undefined && (
        <>
          <Group mb="md" gap="sm">
            <Title order={1}>{words(one)}</Title>
            <StateBadge state={one.state} />
            <Text size="sm" c="dimmed">
              {fileSize(one.bytes)}, uploaded <Moment at={one.made_at} /> by {names.user(one.by)}
            </Text>
          </Group>
          <Plan one={one} />
        </>
      )}
    </div>
  );
}

function Plan({ one }: { one: DncFile }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const step = useFileStep(one.id);
  const lifts = one.settings.action === "lift";
  const began = Object.keys(one.done).length > 0;
  const planned = one.plan?.accepted ?? 0;
  const total = Object.values(one.plan ?? {}).reduce((sum, count) => sum + count, 0);
  const settled = Object.values(one.done).reduce((sum, count) => sum + count, 0);
  return (
    <>
      {one.state === "stalled" && (
        <Alert color="red" mb="md" title="It stopped and is not tried again by itself">
          {one.fault}
        </Alert>
      )}
      {one.state === "planning" && (
        <Progress value={100} animated mb="md" aria-label="Looking at the file" />
      )}
      {one.state === "executing" && (
        <Progress
          value={total === 0 ? 0 : (100 * settled) / total}
          animated
          mb="md"
          aria-label="Carrying it out"
        />
      )}
      <Outcomes
        rows={began ? one.done : (one.plan ?? {})}
        order={ORDER}
        words={{
          accepted: began ? (lifts ? "lifted" : "added") : lifts ? "to be lifted" : "to be added",
          there: lifts ? "are not there" : "are there already",
          refused: "are no numbers",
          empty: "are empty",
        }}
        chosen={search.outcome}
        onChoose={(outcome) =>
          navigate({
            search: outcome === undefined || outcome === "empty" ? {} : { outcome },
            replace: true,
          })
        }
      />
      <Group my="md">
        {["planned", "stalled"].includes(one.state) && (
          <ConfirmButton
            label={lifts ? `Lift ${figure(planned)} numbers` : `Add ${figure(planned)} numbers`}
            button={{ variant: "filled", disabled: planned === 0 }}
            title={lifts ? "Lift these numbers?" : "Add these numbers?"}
            deed={lifts ? "Lift them" : "Add them"}
            danger={lifts}
            run={() => step.mutateAsync({ digest: one.digest })}
          >
            <Text size="sm">
              {lifts
                ? `${many(planned, "number")} may be called again. People once asked not to be.`
                : `${many(planned, "number")} will not be dialled or written to, in any lead.`}
            </Text>
          </ConfirmButton>
        )}
        {["planning", "planned", "executing", "stalled"].includes(one.state) && (
          <ConfirmButton
            label="Cancel"
            title="Do nothing more of this file?"
            deed="Cancel the file"
            danger
            run={() => step.mutateAsync("cancel")}
          >
            <Text size="sm">{many(settled, "row")} are done and stay.</Text>
          </ConfirmButton>
        )}
        <Report id={one.id} outcome={search.outcome} />
      </Group>
      {one.plan !== null && (
        <Rows id={one.id} step={began ? "done" : "plan"} outcome={search.outcome} />
      )}
    </>
  );
}

function Report({ id, outcome }: { id: string; outcome: string | undefined }) {
  const [error, setError] = useState<Error | null>(null);
  const query = new URLSearchParams(outcome === undefined ? {} : { outcome });
  return (
    <>
      <Button
        variant="default"
        onClick={() =>
          download(`/v1/do-not-call-files/${id}/rows.csv?${query}`, "rows.csv").catch(setError)
        }
      >
        Report as CSV
      </Button>
      {error !== null && <ProblemAlert error={error} />}
    </>
  );
}

function Rows(props: { id: string; step: "plan" | "done"; outcome: string | undefined }) {
  const rows = useFileRows(props.id, props.step, props.outcome);
  if (rows.error !== null) return <ProblemAlert error={rows.error} retry={() => rows.refetch()} />;
  if (rows.data === undefined) return <Loading lines={4} />;
  return (
    <>
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={90} ta="right">
              Row
            </Table.Th>
            <Table.Th w={160}>Outcome</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.data.pages
            .flatMap((page) => page.rows)
            .map((row) => (
              <Table.Tr key={String(row.row)}>
                <Table.Td ta="right" className="number">
                  {String(row.row)}
                </Table.Td>
                <Table.Td>{worded(String(row.outcome))}</Table.Td>
                <Table.Td>{String(row.reason ?? row.code ?? "")}</Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
      <ShowMore of={rows} />
    </>
  );
}

import { Badge, Button, Group, Menu, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, data, download } from "../api/client";
import { minPosition } from "../api/lag";
import { useCampaigns, useNames } from "../api/queries";
import { CommandMenu } from "../parts/CommandButton";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { PageHead } from "../parts/PageHead";
import { ProblemAlert } from "../parts/ProblemAlert";
import { SummaryPanel } from "../summary/SummaryPanel";
import { useSummary } from "../summary/useSummary";
import { DeleteUnprocessed } from "./DeleteUnprocessed";

const route = getRouteApi("/pools/$poolId");

/** One pool: how far its leads are, what it can be told, its full log. */
export function PoolPage() {
  const { poolId } = route.useParams();
  const pool = useQuery({
    queryKey: ["pool", poolId],
    queryFn: () =>
      data(
        api.GET("/v1/pools/{pool_id}", {
          params: { path: { pool_id: poolId }, query: { min_position: minPosition() } },
        }),
      ),
  });
  const summary = useSummary("pools", poolId);
  const { data: campaigns } = useCampaigns();
  const names = useNames();
  if (pool.error) {
    return (
      <div className="page">
        <ProblemAlert error={pool.error} retry={() => pool.refetch()} />
      </div>
    );
  }
  if (pool.data === undefined) {
    return (
      <div className="page">
        <Loading lines={8} />
      </div>
    );
  }
  const it = pool.data.pool;
  const campaign = campaigns?.campaigns.find((one) => one.campaign_id === it.campaign_id);
  const target = { id: poolId, version: it.version, name: it.name };
  return (
    <div className="page">
      <PageHead
        title={it.name}
        beside={
          <Badge color={it.active ? "teal" : "gray"} variant="light" tt="none">
            {it.active ? "active" : "inactive"}
          </Badge>
        }
        actions={
          <>
            <Button
              variant="default"
              component={Link}
              to={`/leads?filter=${encodeURIComponent(`pool_id = "${poolId}"`)}`}
            >
              Show its leads
            </Button>
            <FullLog poolId={poolId} name={it.name} />
            <CommandMenu
              label="Change"
              commands={[
                { target, command: "RenamePool", label: "Rename", initial: { name: it.name } },
                it.active
                  ? { target, command: "DeactivatePool", label: "Deactivate" }
                  : { target, command: "ActivatePool", label: "Activate" },
                { target, command: "ShufflePool", label: "Shuffle" },
              ]}
            />
            <DeleteUnprocessed poolId={poolId} />
          </>
        }
      />
      <Group gap="lg" mb="md">
        <Text size="sm" c="dimmed" component="div">
          {campaign ? `Campaign ${campaign.name} · ` : ""}
          {it.source ? `From ${it.source} · ` : ""}made <Moment at={it.created_at} /> by{" "}
          {names.actor(it.created_by)}
          {it.shuffle_seed !== null && " · shuffled"}
        </Text>
      </Group>
      {summary.error && <ProblemAlert error={summary.error} retry={() => summary.refetch()} />}
      {summary.isPending && <Loading lines={8} />}
      {summary.data && <SummaryPanel summary={summary.data.summary} />}
    </div>
  );
}

/** Saves all that ever happened to the pool's leads as a file. */
function FullLog({ poolId, name }: { poolId: string; name: string }) {
  const saving = useMutation({
    mutationFn: (format: "csv" | "ndjson") =>
      download(`/v1/pools/${poolId}/log?format=${format}`, `${name} log.${format}`),
  });
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button
          variant="default"
          loading={saving.isPending}
          color={saving.error ? "red" : "gray"}
          leftSection={<IconDownload size={16} aria-hidden />}
        >
          {saving.error ? saving.error.message : "Full log"}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => saving.mutate("csv")}>For spreadsheets (CSV)</Menu.Item>
        <Menu.Item onClick={() => saving.mutate("ndjson")}>
          For programs (a JSON line each)
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

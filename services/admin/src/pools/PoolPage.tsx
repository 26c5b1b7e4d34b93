import { Button, Group, Menu, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, data, download, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { useCampaigns, useNames } from "../api/queries";
import { ActiveBadge } from "../parts/ActiveBadge";
import { CommandMenu } from "../parts/CommandButton";
import { Moment } from "../parts/Moment";
import { PageHead } from "../parts/PageHead";
import { Whole } from "../parts/Whole";
import { Summarised } from "../summary/Summarised";
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
  return <Whole read={pool}>{(read) => <PoolParts it={read.pool} />}</Whole>;
}

function PoolParts({ it }: { it: Schemas["Pool"] }) {
  const { data: campaigns } = useCampaigns();
  const names = useNames();
  const campaign = campaigns?.campaigns.find((one) => one.campaign_id === it.campaign_id);
  const target = { id: it.pool_id, version: it.version, name: it.name };
  return (
    <>
      <PageHead
        title={it.name}
        beside={<ActiveBadge active={it.active} />}
        actions={
          <>
            <Button
              variant="default"
              component={Link}
              to={`/leads?filter=${encodeURIComponent(`pool_id = "${it.pool_id}"`)}`}
            >
              Show its leads
            </Button>
            <FullLog poolId={it.pool_id} name={it.name} />
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
            <DeleteUnprocessed poolId={it.pool_id} />
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
      <Summarised of="pools" id={it.pool_id} />
    </>
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

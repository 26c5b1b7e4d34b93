import { Anchor, Breadcrumbs, Group, Text, Title } from "@mantine/core";
import { Link, useParams } from "@tanstack/react-router";
import { useCampaigns, useNames } from "../api/queries";
import { fileSize } from "../jobs/figures";
import { StateBadge } from "../jobs/StateBadge";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useImport } from "./queries";
import { Report } from "./Report";
import { stateOf } from "./states";
import { Wizard } from "./Wizard";

/** One import: what is still to be said about its file, later what became of it. */
export function ImportPage() {
  const { importId } = useParams({ strict: false }) as { importId: string };
  const found = useImport(importId);
  const campaigns = useCampaigns();
  const names = useNames();
  const one = found.data;
  const campaign = campaigns.data?.campaigns.find((each) => each.campaign_id === one?.campaign_id);
  return (
    <div className="page">
      <Breadcrumbs mb={4}>
        <Anchor component={Link} to="/imports" size="xs">
          Imports
        </Anchor>
      </Breadcrumbs>
      {found.error !== null && <ProblemAlert error={found.error} retry={() => found.refetch()} />}
      {found.isPending && <Loading lines={6} />}
      {one !== undefined && (
        <>
          <Group mb="md" gap="sm">
            <Title order={1} style={{ overflowWrap: "anywhere" }}>
              {one.file_name || "A file without a name"}
            </Title>
            <StateBadge {...stateOf(one)} />
            <Text size="sm" c="dimmed">
              {fileSize(one.bytes)} for {campaign?.name ?? "a campaign"}, uploaded{" "}
              <Moment at={one.made_at} /> by {names.actor(one.by)}
            </Text>
          </Group>
          {one.state === "open" && !one.cancelled ? <Wizard one={one} /> : <Report one={one} />}
        </>
      )}
    </div>
  );
}

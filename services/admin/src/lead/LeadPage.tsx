import { Alert, Button, Group, Tabs, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { useActivity } from "../api/activity";
import { commandNamed } from "../api/commands";
import { useMe } from "../api/queries";
import { CommandDialog } from "../parts/command/CommandDialog";
import { Loading } from "../parts/Loading";
import { Moment } from "../parts/Moment";
import { ProblemAlert } from "../parts/ProblemAlert";
import "./lead.css";
import { Aside } from "./Aside";
import { Details } from "./Details";
import { Frame, type LeadFrame, leadName, type Opening, useLeadFrame } from "./frame";
import { LeadHeader } from "./LeadHeader";
import { LeadLog } from "./LeadLog";
import { PastTab } from "./PastTab";
import { ProofTab } from "./ProofTab";
import { useLead } from "./queries";
import type { LeadSearch, Tab } from "./routes";

const route = getRouteApi("/leads/$leadId");

/** One lead: what it is, what happened to it, what it was, and the proof. */
export function LeadPage() {
  const { leadId } = route.useParams();
  // Another lead begins anew: no dialog, no half-typed value of the one before.
  return <OneLead key={leadId} leadId={leadId} />;
}

function OneLead({ leadId }: { leadId: string }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const queries = useQueryClient();
  const role = useMe().data?.role ?? "";
  const [heard, setHeard] = useState(0);
  const [opening, setOpening] = useState<Opening | null>(null);
  const page = useLead(leadId, search.as_of, heard);
  const newest = useLead(leadId, undefined, heard);
  const { line } = useActivity(`lead=${leadId}`, true, (happenings) => {
    setHeard((before) => Math.max(before, ...happenings.map((one) => one.position)));
    queries.invalidateQueries({ queryKey: ["lead", leadId] });
  });
  const ask = useCallback(
    (change: Partial<LeadSearch>) =>
      navigate({ search: (before) => without({ ...before, ...change }), replace: true }),
    [navigate],
  );
  const shown = page.data;
  const frame = useMemo((): LeadFrame | null => {
    if (shown === undefined) return null;
    const { lead } = shown;
    const past = search.as_of !== undefined;
    const closed = past || lead.deleted === true || Boolean(lead.merged_into);
    return {
      lead,
      past,
      heard,
      target: {
        id: leadId,
        version: lead.version ?? 0,
        name: leadName(lead),
        campaignId: lead.campaign_id ?? null,
        before: lead,
      },
      may: (name) => !closed && commandNamed(name).roles.includes(role),
      open: setOpening,
    };
  }, [shown, search.as_of, heard, leadId, role]);
  if (page.error !== null && shown === undefined) {
    return (
      <div className="page">
        <ProblemAlert error={page.error} retry={() => page.refetch()} />
      </div>
    );
  }
  if (frame === null || shown === undefined) {
    return (
      <div className="page">
        <Loading lines={8} />
      </div>
    );
  }
  const tab = search.tab ?? "details";
  return (
    <Frame.Provider value={frame}>
      <div className="page lead-page">
        <LeadHeader line={line} />
        {shown.as_of != null && (
          <PastBanner
            version={shown.as_of.version}
            newest={newest.data?.lead.version ?? shown.as_of.version}
            at={shown.as_of.recorded_at}
            leave={() => ask({ as_of: undefined } as never)}
          />
        )}
        <MergedBanner />
        {page.error !== null && <ProblemAlert error={page.error} retry={() => page.refetch()} />}
        <div className="lead-columns">
          <Tabs
            value={tab}
            onChange={(next) => ask({ tab: (next ?? "details") as Tab })}
            keepMounted={false}
          >
            <Tabs.List mb="sm">
              <Tabs.Tab value="details">Details</Tabs.Tab>
              <Tabs.Tab value="log">Log</Tabs.Tab>
              <Tabs.Tab value="past">Looking back</Tabs.Tab>
              <Tabs.Tab value="proof">Proof</Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel value="details">
              <Details page={shown} />
            </Tabs.Panel>
            <Tabs.Panel value="log">
              <LeadLog search={search} ask={ask} />
            </Tabs.Panel>
            <Tabs.Panel value="past">
              <PastTab search={search} newest={newest.data?.lead ?? frame.lead} ask={ask} />
            </Tabs.Panel>
            <Tabs.Panel value="proof">
              <ProofTab />
            </Tabs.Panel>
          </Tabs>
          <Aside page={shown} />
        </div>
        {opening !== null && (
          <CommandDialog {...opening} target={frame.target} onClose={() => setOpening(null)} />
        )}
      </div>
    </Frame.Provider>
  );
}

/** The search without what is not set, so that the address stays short. */
function without(search: LeadSearch): LeadSearch {
  return Object.fromEntries(
    Object.entries(search).filter(([, value]) => value !== undefined && value !== ""),
  ) as LeadSearch;
}

function PastBanner(props: { version: number; newest: number; at: string; leave: () => void }) {
  return (
    <Alert color="violet" mb="sm" py={6} role="status">
      <Group gap="sm">
        <Text size="sm" fw={600}>
          You look at version {props.version} of {props.newest}
        </Text>
        <Text size="sm">
          as it was known <Moment at={props.at} />. Nothing can be changed here.
        </Text>
        <Button size="compact-sm" variant="light" color="violet" ml="auto" onClick={props.leave}>
          Back to now
        </Button>
      </Group>
    </Alert>
  );
}

function MergedBanner() {
  const { lead } = useLeadFrame();
  if (lead.deleted) {
    return (
      <Alert color="gray" mb="sm" py={6}>
        This lead was deleted. What it said of a person is gone; what happened to it stays.
      </Alert>
    );
  }
  if (!lead.merged_into) return null;
  return (
    <Alert color="gray" mb="sm" py={6}>
      This lead was merged into{" "}
      <Link to="/leads/$leadId" params={{ leadId: lead.merged_into }}>
        another one
      </Link>
      , which goes on for both.
    </Alert>
  );
}

import { Button, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { api, data, type Schemas } from "../api/client";
import { minPosition } from "../api/lag";
import { ActiveBadge } from "../parts/ActiveBadge";
import { CommandButton, CommandMenu } from "../parts/CommandButton";
import { Moment } from "../parts/Moment";
import { PageHead } from "../parts/PageHead";
import { Whole } from "../parts/Whole";
import { Summarised } from "../summary/Summarised";
import { Rules } from "./Rules";
import type { AttemptLimits, DiallingHours, FollowUpRule, TemplateField } from "./shapes";
import { Template } from "./Template";

const route = getRouteApi("/campaigns/$campaignId");

/** One campaign: its numbers, its fields, its rules, and what can be changed of them. */
export function CampaignPage() {
  const { campaignId } = route.useParams();
  const campaign = useQuery({
    queryKey: ["campaign", campaignId],
    queryFn: () =>
      data(
        api.GET("/v1/campaigns/{campaign_id}", {
          params: { path: { campaign_id: campaignId }, query: { min_position: minPosition() } },
        }),
      ),
  });
  return <Whole read={campaign}>{(read) => <CampaignParts it={read.campaign} />}</Whole>;
}

function CampaignParts({ it }: { it: Schemas["Campaign"] }) {
  const fields = it.fields as unknown as TemplateField[];
  return (
    <>
      <PageHead
        title={it.name}
        beside={<ActiveBadge active={it.active} />}
        actions={<Actions campaign={it} />}
      />
      <Text size="sm" c="dimmed" mb="md" component="div">
        {it.code} · project {it.project || "none"} · duplicates by {it.duplicate_key} · made{" "}
        <Moment at={it.created_at} />
        {it.active_from !== null && (
          <>
            {" "}
            · runs from <Moment at={it.active_from} />
          </>
        )}
        {it.active_until !== null && (
          <>
            {" "}
            until <Moment at={it.active_until} />
          </>
        )}
      </Text>
      <Tabs defaultValue="numbers" keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="numbers">Numbers</Tabs.Tab>
          <Tabs.Tab value="rules">Rules</Tabs.Tab>
          <Tabs.Tab value="fields">Fields ({fields.length})</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="numbers">
          <Summarised of="campaigns" id={it.campaign_id} />
        </Tabs.Panel>
        <Tabs.Panel value="rules">
          <Rules
            rules={it.rules as unknown as FollowUpRule[]}
            limits={it.limits as AttemptLimits | null}
            hours={it.hours as DiallingHours | null}
          />
        </Tabs.Panel>
        <Tabs.Panel value="fields">
          <Template fields={fields} duplicateKey={it.duplicate_key} />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}

function Actions({ campaign }: { campaign: Schemas["Campaign"] }) {
  const { campaign_id: id, version } = campaign;
  const target = { id, version, campaignId: id, name: campaign.name };
  return (
    <>
      <Button
        variant="default"
        component={Link}
        to={`/leads?filter=${encodeURIComponent(`campaign_id = "${id}"`)}`}
      >
        Show its leads
      </Button>
      <CommandButton
        command="CreateLead"
        label="New lead"
        target={{ name: campaign.name, campaignId: id }}
        initial={{ campaign_id: id }}
        given={["campaign_id"]}
      />
      <CommandButton
        command="CopyCampaign"
        label="Copy"
        target={{ name: campaign.name }}
        given={["campaign_id"]}
        initial={{ campaign_id: id, name: `${campaign.name} (copy)` }}
      />
      <CommandMenu
        label="Change"
        commands={[
          {
            target,
            command: "RenameCampaign",
            label: "Name, code, project",
            initial: { name: campaign.name, code: campaign.code, project: campaign.project },
          },
          { target, command: "ChangeTemplate", label: "Fields" },
          {
            target,
            command: "ChangeFollowUpRules",
            label: "Follow-up rules",
            initial: { rules: campaign.rules },
          },
          {
            target,
            command: "ChangeAttemptLimits",
            label: "Attempt limits",
            initial: { limits: campaign.limits },
          },
          {
            target,
            command: "ChangeDiallingHours",
            label: "Dialling hours",
            initial: { hours: campaign.hours },
          },
          {
            target,
            command: "ChangeActivityRange",
            label: "When it runs",
            initial: { active_from: campaign.active_from, active_until: campaign.active_until },
          },
          campaign.active
            ? { target, command: "DeactivateCampaign", label: "Deactivate" }
            : { target, command: "ActivateCampaign", label: "Activate" },
        ]}
      />
    </>
  );
}

import { Anchor } from "@mantine/core";
import { useCampaigns, useNames } from "../api/queries";
import { Moment } from "../parts/Moment";
import { StatusBadge } from "../parts/StatusBadge";
import { isInstant, plain } from "./words";

const OF_STATUS = new Set(["status", "previous_status", "status_after", "status_before", "result"]);
const OF_PEOPLE =
  /(^|\.)(agent|owner|original_owner|.*_by|reserved_for|callback_agent|latest_call_by)$/;

/** A value of a lead's field as people read it: names for people, badges for statuses, times. */
export function Value({ field, value }: { field: string; value: unknown }) {
  const names = useNames();
  const campaigns = useCampaigns().data?.campaigns ?? [];
  if (value === null || value === undefined || value === "") return <span>–</span>;
  if (typeof value === "string") {
    if (OF_STATUS.has(field)) return <StatusBadge code={value} />;
    if (OF_PEOPLE.test(field)) {
      return <>{value.includes(":") ? names.actor(value) : names.user(value)}</>;
    }
    if (field === "campaign_id") {
      return <>{campaigns.find((one) => one.campaign_id === value)?.name ?? value}</>;
    }
    if (isInstant(value)) return <Moment at={value} />;
    if (/^https?:\/\//.test(value)) {
      return (
        <Anchor href={value} target="_blank" rel="noopener noreferrer" inherit>
          {value}
        </Anchor>
      );
    }
  }
  return <span className="lead-value">{plain(value)}</span>;
}

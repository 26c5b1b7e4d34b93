import { Button, Group, Switch, Title } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useMe } from "../api/queries";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { ProblemAlert } from "../parts/ProblemAlert";
import { MailingForm } from "./MailingForm";
import { MailingTable } from "./MailingTable";
import { type Mailing, useMailings } from "./queries";

const route = getRouteApi("/view-mails");

/** Which views are mailed, when and to whom. */
export function MailingsPage() {
  const { view, ask, ...kept } = route.useSearch();
  const navigate = route.useNavigate();
  const { data: me } = useMe();
  const mailings = useMailings(kept.whose ?? "mine");
  const [changed, setChanged] = useState<Mailing | null>(null);
  const seesAll = me !== undefined && ["admin", "auditor"].includes(me.role);
  const all = mailings.data?.mailings;
  return (
    <div className="page">
      <Group mb="md">
        <Title order={1}>Mailed views</Title>
        {seesAll && (
          <Switch
            size="xs"
            label="Of everybody"
            checked={kept.whose === "all"}
            onChange={(event) =>
              navigate({
                search: event.currentTarget.checked ? { whose: "all" } : {},
                replace: true,
              })
            }
          />
        )}
        <Button
          ml="auto"
          leftSection={<IconPlus size={16} aria-hidden />}
          onClick={() => navigate({ search: { ...kept, ask: true }, replace: true })}
        >
          Mail a view
        </Button>
      </Group>
      {mailings.error !== null && (
        <ProblemAlert error={mailings.error} retry={() => mailings.refetch()} />
      )}
      {mailings.isPending && <Loading lines={6} />}
      {all?.length === 0 && (
        <EmptyState title="No view is mailed yet">
          Have a view mailed at times of the day: each recipient gets a link to its leads, as you
          see them then.
        </EmptyState>
      )}
      {all !== undefined && all.length > 0 && (
        <MailingTable mailings={all} showsWho={kept.whose === "all"} onChange={setChanged} />
      )}
      {(ask === true || view !== undefined) && (
        <MailingForm
          view={view ?? null}
          mailing={null}
          onClose={() => navigate({ search: kept, replace: true })}
        />
      )}
      {changed !== null && (
        <MailingForm view={changed.view} mailing={changed} onClose={() => setChanged(null)} />
      )}
    </div>
  );
}

import { Button, Group, MultiSelect, Select, Text } from "@mantine/core";
import { useIntersection } from "@mantine/hooks";
import { useEffect } from "react";
import { useOrganisation } from "../api/queries";
import { EmptyState } from "../parts/EmptyState";
import { kindLabel } from "../parts/kinds";
import { Loading } from "../parts/Loading";
import { ProblemAlert } from "../parts/ProblemAlert";
import { useLeadFrame } from "./frame";
import { LOG_KINDS } from "./kinds";
import { Entry } from "./LogEntry";
import { useLog } from "./queries";
import type { LeadSearch } from "./routes";

const SERVICES = ["service:intake", "service:scheduler", "service:sender"] as const;

/** What happened to the lead, newest first; more comes as one scrolls. */
export function LeadLog(props: { search: LeadSearch; ask(change: Partial<LeadSearch>): void }) {
  const { search, ask } = props;
  const { lead, heard } = useLeadFrame();
  const users = useOrganisation().data?.users ?? [];
  const kinds = search.kind?.split(",").filter(Boolean) ?? [];
  const log = useLog(lead.lead_id ?? "", { kinds, actor: search.actor, asOf: search.as_of }, heard);
  const { ref, entry } = useIntersection({ rootMargin: "400px" });
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = log;
  useEffect(() => {
    if (entry?.isIntersecting && hasNextPage && !isFetchingNextPage) fetchNextPage();
  }, [entry?.isIntersecting, hasNextPage, isFetchingNextPage, fetchNextPage]);
  const entries = log.data?.pages.flatMap((page) => page.entries) ?? [];
  const merged = log.data?.pages[0]?.merged ?? [];
  return (
    <>
      <Group gap="sm" mb="sm">
        <MultiSelect
          size="xs"
          w={320}
          aria-label="Kinds of entries"
          placeholder={kinds.length === 0 ? "All kinds" : ""}
          clearable
          value={kinds}
          data={LOG_KINDS.map((kind) => ({ value: kind, label: kindLabel(kind) }))}
          onChange={(chosen) => ask({ kind: chosen.join(",") })}
        />
        <Select
          size="xs"
          w={220}
          aria-label="Who did it"
          placeholder="Everybody"
          clearable
          value={search.actor ?? null}
          data={[
            ...users.map((one) => ({ value: `user:${one.user_id}`, label: one.name })),
            ...SERVICES.map((one) => ({ value: one, label: one.replace(":", " ") })),
          ]}
          onChange={(chosen) => ask({ actor: chosen ?? "" })}
        />
        {merged.length > 0 && (
          <Text size="sm" c="dimmed">
            With the history of {merged.length === 1 ? "a lead" : `${merged.length} leads`} merged
            into it.
          </Text>
        )}
      </Group>
      {log.error !== null && <ProblemAlert error={log.error} retry={() => log.refetch()} />}
      {log.isPending && <Loading lines={8} />}
      {!log.isPending && entries.length === 0 && log.error === null && (
        <EmptyState title="Nothing of that kind has happened">
          <Button size="compact-sm" variant="default" onClick={() => ask({ kind: "", actor: "" })}>
            Show all of the log
          </Button>
        </EmptyState>
      )}
      <ol className="lead-log" aria-label="Log">
        {entries.map((one) => (
          <Entry key={`${one.lead_id} ${one.version}`} entry={one} />
        ))}
      </ol>
      <div ref={ref} />
      {isFetchingNextPage && <Loading lines={3} />}
      {!hasNextPage && entries.length > 0 && (
        <Text size="xs" c="dimmed" ta="center" py="sm">
          This is where it begins.
        </Text>
      )}
    </>
  );
}

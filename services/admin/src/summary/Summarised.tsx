import { Loading } from "../parts/Loading";
import { ProblemAlert } from "../parts/ProblemAlert";
import { SummaryPanel } from "./SummaryPanel";
import { useSummary } from "./useSummary";

/** The numbers of one pool, campaign or segment, once they are there. */
export function Summarised({ of, id }: { of: "pools" | "campaigns" | "segments"; id: string }) {
  const summary = useSummary(of, id);
  if (summary.error) return <ProblemAlert error={summary.error} retry={() => summary.refetch()} />;
  if (summary.data === undefined) return <Loading lines={8} />;
  return <SummaryPanel summary={summary.data.summary} />;
}

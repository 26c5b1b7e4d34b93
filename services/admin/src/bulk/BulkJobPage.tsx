import { Anchor, Title } from "@mantine/core";
import { getRouteApi, Link } from "@tanstack/react-router";
import { JobPanel } from "./JobPanel";

const route = getRouteApi("/bulk-jobs/$jobId");

/** One bulk job with all its leads. */
export function BulkJobPage() {
  const { jobId } = route.useParams();
  const navigate = route.useNavigate();
  return (
    <div className="page">
      <Anchor component={Link} to="/bulk-jobs" size="sm">
        Bulk changes
      </Anchor>
      <Title order={1} mb="md">
        Bulk change
      </Title>
      <JobPanel
        key={jobId}
        id={jobId}
        onJob={(id) => navigate({ to: "/bulk-jobs/$jobId", params: { jobId: id } })}
      />
    </div>
  );
}

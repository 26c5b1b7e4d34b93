"""What a projection worker measures of itself."""

from prometheus_client import Counter, Gauge, Histogram

from services.kit.telemetry import SECONDS

applied = Counter("leads_projection_events_total", "Events applied to the read models")
batch_seconds = Histogram(
    "leads_projection_batch_seconds", "Time to write one group of batches", buckets=SECONDS
)
visible_seconds = Histogram(
    "leads_projection_visible_seconds",
    "From the newest event's recording to its being visible, by this machine's clock",
    buckets=SECONDS,
)
gaps = Counter("leads_projection_gaps_total", "Streams completed from the log after a gap")
fenced = Counter("leads_projection_fenced_total", "Batches thrown away: somebody else took over")
unknown_events = Counter("leads_projection_unknown_events_total", "Unknown types", ["type"])
parked = Gauge("leads_projection_parked_streams", "Streams that stand still, all workers")
partitions = Gauge("leads_projection_partitions", "Partitions this worker holds")
position = Gauge("leads_projection_position", "Position applied", ["partition"])
lag = Gauge("leads_projection_lag_events", "Events of a partition not applied yet", ["partition"])
polled_at = Gauge("leads_projection_polled_timestamp_seconds", "When the feed last answered")
watched = Counter("leads_watch_streams_total", "Streams compared with their rows, see watch.py")
differences = Gauge(
    "leads_watch_differences", "Rows found that are not what the log says, all workers"
)

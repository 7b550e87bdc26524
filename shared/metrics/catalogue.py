"""Every metric of the platform. Dashboards, alert rules and the table in ``docs/operations.md`` are checked against it.

Which service and role a figure is of, the scraper says (``deploy/prometheus/prometheus.yml``), not the process.
"""

from __future__ import annotations

from shared.metrics.declaring import Kind, Metric

_BATCH_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
_BATCH_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# -- the relay -----------------------------------------------------------------------------------------------------------

PUBLISHED = Metric(
    "naikkelas_relay_published_total", Kind.COUNTER, "Facts that the broker has acknowledged, by type.", ("type",)
)
RELAY_BATCH_SIZE = Metric(
    "naikkelas_relay_batch_size", Kind.HISTOGRAM, "Facts that were published in one round.", (), _BATCH_SIZES
)
RELAY_BATCH_SECONDS = Metric(
    "naikkelas_relay_batch_duration_seconds",
    Kind.HISTOGRAM,
    "From sending a round to its acknowledgement and the cursor behind it.",
    (),
    _BATCH_SECONDS,
)
RELAY_SHARDS = Metric("naikkelas_relay_shards", Kind.GAUGE, "Shards of the outbox that this relay owns, of 8 in all.")
RELAY_FAILURES = Metric(
    "naikkelas_relay_failures_total",
    Kind.COUNTER,
    "Times that the relay had to wait for a server, by what was away: broker or database.",
    ("away",),
)
OUTBOX_DEPTH = Metric(
    "naikkelas_outbox_depth",
    Kind.GAUGE,
    "Facts that are stored and not published. Every API of a service tells the same figure.",
)
OUTBOX_AGE = Metric(
    "naikkelas_outbox_oldest_age_seconds",
    Kind.GAUGE,
    "Age of the oldest fact that is not published; 0 if there is none.",
)

# -- consumers -----------------------------------------------------------------------------------------------------------

CONSUMED = Metric(
    "naikkelas_consumer_events_total",
    Kind.COUNTER,
    "Records that were read and settled, by type; `other` is what this consumer passes over.",
    ("consumer", "type"),
)
APPLIED = Metric(
    "naikkelas_consumer_applied_total",
    Kind.COUNTER,
    "Events that were next in their streams, and applied.",
    ("consumer",),
)
DUPLICATES = Metric(
    "naikkelas_consumer_duplicates_total",
    Kind.COUNTER,
    "Records that were known already, and dropped.",
    ("consumer",),
)
PARKED_TOTAL = Metric(
    "naikkelas_consumer_parked_total",
    Kind.COUNTER,
    "Events that were set aside, by kind: poison, gap, behind, unreadable.",
    ("consumer", "kind"),
)
PARKED = Metric(
    "naikkelas_consumer_parked", Kind.GAUGE, "Events that are set aside now, by kind.", ("consumer", "kind")
)
RELEASED = Metric(
    "naikkelas_consumer_released_total",
    Kind.COUNTER,
    "Parked events that became next in their stream by themselves, and were applied.",
    ("consumer",),
)
REDRIVEN = Metric(
    "naikkelas_consumer_redriven_total", Kind.COUNTER, "Parked events that a redrive applied.", ("consumer",)
)
CONSUMER_BATCH_SIZE = Metric(
    "naikkelas_consumer_batch_size", Kind.HISTOGRAM, "Records of one batch.", ("consumer",), _BATCH_SIZES
)
CONSUMER_BATCH_SECONDS = Metric(
    "naikkelas_consumer_batch_duration_seconds",
    Kind.HISTOGRAM,
    "From the arrival of a batch to the commit of its transactions.",
    ("consumer",),
    _BATCH_SECONDS,
)
CONSUMER_FAILURES = Metric(
    "naikkelas_consumer_failures_total",
    Kind.COUNTER,
    "Times that a batch was held back or the broker not reached: broker, database, or other for a fault of ours.",
    ("consumer", "away"),
)
COMMIT_ERRORS = Metric(
    "naikkelas_consumer_commit_errors_total", Kind.COUNTER, "Offsets that could not be committed.", ("consumer",)
)
REBALANCES = Metric(
    "naikkelas_consumer_rebalances_total", Kind.COUNTER, "Times that partitions were assigned anew.", ("consumer",)
)
ASSIGNED = Metric(
    "naikkelas_consumer_partitions", Kind.GAUGE, "Partitions that this copy of the consumer reads.", ("consumer",)
)
LAG = Metric(
    "naikkelas_consumer_lag_records",
    Kind.GAUGE,
    "Records between what is committed and the end, by the broker, of the partitions that this copy reads.",
    ("consumer", "topic"),
)

# -- notifications -------------------------------------------------------------------------------------------------------

MESSAGES = Metric(
    "naikkelas_notifications_total",
    Kind.COUNTER,
    "Outcomes of taking a message in hand, by channel and the state that it came to (queued: later again).",
    ("channel", "outcome"),
)

# -- deliveries to agencies ----------------------------------------------------------------------------------------------

DELIVERIES = Metric(
    "naikkelas_deliveries_total",
    Kind.COUNTER,
    "Events tried to be given to agencies, by way and what came of it: delivered, refused (answered by an error), unanswered.",
    ("way", "outcome"),
)
DELIVERY_SECONDS = Metric(
    "naikkelas_delivery_duration_seconds",
    Kind.HISTOGRAM,
    "From recording an event until the agency had it, of webhooks and Kafka; also of what was there before the agency was.",
    ("way",),
    (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0, 3_600.0),
)
ENDPOINTS = Metric(
    "naikkelas_delivery_endpoints",
    Kind.GAUGE,
    "Webhooks and lanes of Kafka, by state. Every worker tells the same figure.",
    ("way", "state"),
)
DELIVERY_LAG = Metric(
    "naikkelas_delivery_lag_events",
    Kind.GAUGE,
    "Events after the places of agencies that are behind, granted or not, in streams of which something is granted; agency `*`: of the public topics. Every worker tells the same figure.",
    ("way", "agency"),
)
DELIVERY_AGE = Metric(
    "naikkelas_delivery_lag_seconds",
    Kind.GAUGE,
    "How long the first of them has been there. Every worker tells the same figure.",
    ("way", "agency"),
)
FEED_PAGES = Metric(
    "naikkelas_feed_pages_total",
    Kind.COUNTER,
    "Pages of the feed: with events (given), or without (empty).",
    ("outcome",),
)
FEED_WAITING = Metric("naikkelas_feed_waiting", Kind.GAUGE, "Long polls of the feed that wait now.")

# -- every process -------------------------------------------------------------------------------------------------------

REQUESTS = Metric(
    "naikkelas_http_requests_total",
    Kind.COUNTER,
    "HTTP requests by method, template of the route, and status.",
    ("method", "route", "status"),
)
REQUEST_SECONDS = Metric(
    "naikkelas_http_request_duration_seconds",
    Kind.HISTOGRAM,
    "How long HTTP requests took.",
    ("method", "route"),
    _REQUEST_SECONDS,
)
POOL_CONNECTIONS = Metric(
    "naikkelas_pool_connections", Kind.GAUGE, "Connections to the database: used and idle.", ("state",)
)
POOL_LIMIT = Metric("naikkelas_pool_connections_limit", Kind.GAUGE, "As many connections as the pool may open.")
LOOK_FAILURES = Metric(
    "naikkelas_metrics_look_failures_total",
    Kind.COUNTER,
    "Looks, made because somebody reads the metrics, that failed or took too long; their figures are missing then.",
    ("look",),
)
SERIES_FOLDED = Metric(
    "naikkelas_metrics_folded_total",
    Kind.COUNTER,
    "Figures counted under `other` because their metric has too many series: a fault of ours.",
    ("metric",),
)
SPANS = Metric(
    "naikkelas_trace_spans_total",
    Kind.COUNTER,
    "Spans of a process with traces: exported, or lost because the receiver took none or too few.",
    ("outcome",),
)
CPU_SECONDS = Metric("process_cpu_seconds_total", Kind.COUNTER, "Processor time of this process.")
MEMORY = Metric("process_resident_memory_bytes", Kind.GAUGE, "Memory that this process holds.")
STARTED = Metric("process_start_time_seconds", Kind.GAUGE, "When this process began, since 1970.")

CATALOGUE: dict[str, Metric] = {
    metric.name: metric for metric in tuple(globals().values()) if isinstance(metric, Metric)
}
"""By name, in the order of declaration."""

"""What a process counts, and how Prometheus reads it: ``GET /metrics`` on the port where it also answers for its health.

``catalogue`` declares every metric there is; ``Metrics`` holds the figures of one process, counted once per batch and not
per event; what only has a size at the moment of looking (a pool, a backlog) is looked at when somebody reads.
"""

from shared.metrics.declaring import Kind, Metric
from shared.metrics.holding import Look, Metrics

__all__ = ["Kind", "Look", "Metric", "Metrics"]

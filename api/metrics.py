"""Metrics for Prometheus, by their process-wide names."""

from prometheus_client import Counter, Gauge, Histogram

QUEUED = Gauge("satchel_outbox_turns", "Turns that the index doesn't have yet.")
REQUESTS = Counter("satchel_requests_total", "Requests answered.", ["route", "method", "status"])
SECONDS = Histogram("satchel_request_seconds", "Time to answer a request.", ["route", "method"])

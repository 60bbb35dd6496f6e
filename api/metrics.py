"""Metrics for Prometheus, by their process-wide names."""

from prometheus_client import Counter, Gauge, Histogram

RUNNING = Gauge("satchel_requests_running", "Requests that are worked on.")
WAITING = Gauge("satchel_requests_waiting", "Requests that wait for a place.")
REFUSED = Counter("satchel_requests_refused_total", "Requests sent away at the gate.", ["error"])
QUEUED = Gauge("satchel_outbox_turns", "Turns that the index doesn't have yet.")
BREAKER = Gauge("satchel_index_breaker_open", "1 while calls of the index are turned away.", ["calls"])
REQUESTS = Counter("satchel_requests_total", "Requests answered.", ["route", "method", "status"])
SECONDS = Histogram("satchel_request_seconds", "Time to answer a request.", ["route", "method"])

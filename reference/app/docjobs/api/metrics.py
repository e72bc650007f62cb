"""What the API tells Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from docjobs.job_types import JOB_TYPES

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

BUILD_INFO = Gauge(
    "docjobs_build_info", "Always 1; the labels say what runs", ["service", "release", "revision", "colour"]
)
REQUESTS = Counter("docjobs_http_requests_total", "Requests answered", ["method", "route", "status"])
LATENCY = Histogram(
    "docjobs_http_request_duration_seconds", "Time to answer a user", ["method", "route"], buckets=_SECONDS
)
IN_PROGRESS = Gauge("docjobs_http_requests_in_progress", "Requests being answered")
SUBMITTED = Counter("docjobs_jobs_submitted_total", "Jobs accepted, replays not counted", ["type"])
DECLINED = Counter("docjobs_jobs_declined_total", "Jobs not taken because too many wait", ["waiting_of"])
QUEUED = Gauge("docjobs_jobs_queued", "Jobs that wait")
RUNNING = Gauge("docjobs_jobs_running", "Jobs that a worker holds")
OLDEST = Gauge("docjobs_oldest_queued_job_age_seconds", "Age of the oldest job that waits")
AGE_LIMIT = Gauge("docjobs_queue_age_limit_seconds", "Age at which a job that waits is a backlog")
SILENT = Gauge("docjobs_longest_heartbeat_silence_seconds", "Longest silence of a running job's worker")
DATABASE_UP = Gauge("docjobs_database_up", "1 while the API reaches its database")
POOL_SIZE = Gauge("docjobs_database_pool_connections", "Connections of the pool")
POOL_MAX = Gauge("docjobs_database_pool_connections_max", "Most connections the pool may have")
POOL_FREE = Gauge("docjobs_database_pool_connections_available", "Connections of the pool that nobody uses")
POOL_WAITING = Gauge("docjobs_database_pool_requests_waiting", "Requests that wait for a connection")
SERVING = Gauge("docjobs_api_active", "1 while this API's colour is the active one")

for _job_type in JOB_TYPES:
    SUBMITTED.labels(_job_type)
for _waiting_of in ("tenant", "everybody"):
    DECLINED.labels(_waiting_of)
for _status in ("202", "500", "503"):
    REQUESTS.labels("POST", "/v1/jobs", _status)
LATENCY.labels("POST", "/v1/jobs")

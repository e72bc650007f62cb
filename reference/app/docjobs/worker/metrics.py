"""What the worker tells Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from docjobs.job_types import FINAL_STAGE, JOB_TYPES

_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 15, 20, 25, 30, 40, 60, 120, 300)

BUILD_INFO = Gauge(
    "docjobs_build_info", "Always 1; the labels say what runs", ["service", "release", "revision", "colour"]
)
FINISHED = Counter("docjobs_jobs_finished_total", "Runs that ended, by what became of the job", ["type", "outcome"])
DURATION = Histogram(
    "docjobs_job_duration_seconds", "Claim to completion of succeeded jobs", ["type"], buckets=_SECONDS
)
WAIT = Histogram("docjobs_job_wait_seconds", "Submission to the first claim", ["type"], buckets=_SECONDS)
STAGE = Histogram("docjobs_stage_duration_seconds", "One stage, its remote wait included", ["stage"], buckets=_SECONDS)
TAKEN_OVER = Counter("docjobs_jobs_taken_over_total", "Jobs taken from a silent worker", ["outcome"])
STAGE_CRASHES = Counter("docjobs_stage_processes_crashed_total", "Stage processes that died at work")
RUNNING = Gauge("docjobs_worker_jobs_running", "Jobs this worker runs now")
CONCURRENCY = Gauge("docjobs_worker_concurrency", "Jobs this worker may run at once")
ACTIVE = Gauge("docjobs_worker_active", "1 while this worker's colour takes real jobs")
DRAINING = Gauge("docjobs_worker_draining", "1 after SIGTERM")
HEARTBEAT = Gauge("docjobs_worker_heartbeat_timestamp_seconds", "When a heartbeat last reached the database")
DATABASE_ERRORS = Counter("docjobs_worker_database_errors_total", "Calls to the database that failed")

# Series that exist only after their first event cannot be alerted on.
for _type in (*JOB_TYPES, "canary"):
    for _outcome in ("succeeded", "failed", "retried", "lost", "handed_back"):
        FINISHED.labels(_type, _outcome)
    DURATION.labels(_type)
    WAIT.labels(_type)
for _job_type in JOB_TYPES.values():
    for _stage in (*(name for name, _ in _job_type.stages), FINAL_STAGE):
        STAGE.labels(_stage)
for _outcome in ("queued", "failed"):
    TAKEN_OVER.labels(_outcome)

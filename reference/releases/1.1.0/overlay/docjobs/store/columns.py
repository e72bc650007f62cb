"""The columns of a job that readers need. Named one by one: a prepared `SELECT *` breaks when a migration adds one."""

JOB = (
    "id, number, type, title, state, stage, attempts, worker, release, submitter,"
    " created_at, started_at, finished_at, error, result, language"
)

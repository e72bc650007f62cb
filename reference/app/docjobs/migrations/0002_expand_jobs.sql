-- Jobs, their documents and results, the workers and the switch between the colours.
-- A job's `delivery` is its row in the queue: todo while queued, doing while running, gone when terminal.
-- `fence` grows with every claim; whoever writes about a run must still hold it.
CREATE TABLE docjobs.job (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    tenant text NOT NULL,
    submitter text NOT NULL,
    idempotency_key text,
    body_sha256 bytea NOT NULL,
    type text NOT NULL,
    title text NOT NULL,
    media_type text NOT NULL,
    request_id text NOT NULL,
    state text NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    stage text,
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL CHECK (max_attempts > 0),
    fence bigint NOT NULL DEFAULT 0,
    delivery bigint,
    worker text,
    colour text,
    release text,
    error jsonb,
    result jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    heartbeat_at timestamptz,
    finished_at timestamptz,
    CHECK ((state IN ('queued', 'running')) = (delivery IS NOT NULL)),
    CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    UNIQUE (tenant, submitter, idempotency_key)
) WITH (fillfactor = 70);
CREATE INDEX job_tenant_number ON docjobs.job (tenant, number DESC);
CREATE INDEX job_tenant_state ON docjobs.job (tenant, state, number DESC);
CREATE INDEX job_unfinished ON docjobs.job (state) WHERE state IN ('queued', 'running');

CREATE TABLE docjobs.document (
    job_id uuid PRIMARY KEY REFERENCES docjobs.job ON DELETE CASCADE,
    content bytea NOT NULL
);

CREATE TABLE docjobs.chunk (
    job_id uuid NOT NULL REFERENCES docjobs.job ON DELETE CASCADE,
    position integer NOT NULL,
    content text NOT NULL,
    embedding real[] NOT NULL,
    search tsvector NOT NULL,
    PRIMARY KEY (job_id, position)
);
CREATE INDEX chunk_search ON docjobs.chunk USING gin (search);

CREATE TABLE docjobs.stage (
    job_id uuid NOT NULL REFERENCES docjobs.job ON DELETE CASCADE,
    name text NOT NULL,
    attempt integer NOT NULL,
    seconds real NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, name)
);

-- What happened to the world: append-only, written in the transaction that completes the job.
CREATE TABLE docjobs.effect (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id uuid NOT NULL,
    attempt integer NOT NULL,
    worker text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX effect_job ON docjobs.effect (job_id);

CREATE TABLE docjobs.worker (
    name text PRIMARY KEY,
    colour text NOT NULL,
    release text NOT NULL,
    running integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE docjobs.deployment (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    active_colour text NOT NULL CHECK (active_colour IN ('blue', 'green')),
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- Tokens that are refused before their end: one by its id, or all of a subject of a tenant that were issued until a moment.
-- A row is of no use any more when the last of its tokens has ended.
CREATE TABLE docjobs.revocation (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_id text,
    tenant text,
    subject text,
    issued_until timestamptz,
    ends_at timestamptz NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    CHECK ((token_id IS NOT NULL) <> (tenant IS NOT NULL AND subject IS NOT NULL AND issued_until IS NOT NULL))
);

-- One line in the database's log for each state that a job comes to, so that a trace does not end before the database.
-- The two settings keep statement and context out of it; docjobs_owner was granted them.
CREATE FUNCTION docjobs.tell_state() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog SET log_min_error_statement = 'panic' SET log_error_verbosity = 'terse' AS $$
BEGIN
    RAISE LOG 'job_id=% request_id=% state=% attempt=%', NEW.id, NEW.request_id, NEW.state, NEW.attempts;
    RETURN NULL;
END $$;
CREATE TRIGGER job_state AFTER INSERT OR UPDATE OF state ON docjobs.job
    FOR EACH ROW EXECUTE FUNCTION docjobs.tell_state();

GRANT USAGE ON SCHEMA docjobs TO docjobs_app, docjobs_readonly, docjobs_exporter;
GRANT SELECT, INSERT, UPDATE ON docjobs.job TO docjobs_app;
GRANT SELECT, INSERT ON docjobs.document TO docjobs_app;
GRANT SELECT, INSERT, DELETE ON docjobs.chunk TO docjobs_app;
GRANT SELECT, INSERT, UPDATE ON docjobs.stage TO docjobs_app;
GRANT SELECT, INSERT ON docjobs.effect TO docjobs_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON docjobs.worker TO docjobs_app;
GRANT SELECT, UPDATE ON docjobs.deployment TO docjobs_app;
GRANT SELECT ON docjobs.revocation TO docjobs_app;
GRANT SELECT ON docjobs.schema_migration TO docjobs_app, docjobs_readonly;

-- Support reads what happened, not what is in the documents.
GRANT SELECT ON docjobs.job, docjobs.stage, docjobs.effect, docjobs.worker, docjobs.deployment TO docjobs_readonly;
GRANT SELECT (state, type, created_at, started_at, finished_at, heartbeat_at) ON docjobs.job TO docjobs_exporter;

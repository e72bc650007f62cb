CREATE TABLE IF NOT EXISTS task (
    ref         text PRIMARY KEY DEFAULT replace(gen_random_uuid()::text, '-', ''),
    name        text NOT NULL UNIQUE,
    letter      text NOT NULL,
    state       text NOT NULL DEFAULT 'NEW' CHECK (state IN ('NEW', 'BUSY', 'DONE', 'BROKEN')),
    attempts    integer NOT NULL DEFAULT 0,
    holder      uuid,
    lease_until timestamptz,
    layout      jsonb,
    error       text,
    created     timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended       timestamptz
);
CREATE INDEX IF NOT EXISTS task_open ON task (created) WHERE state IN ('NEW', 'BUSY');

-- What left the house. Nothing here prevents a second line for one task: the lease does, and this table is the witness.
CREATE TABLE IF NOT EXISTS posted (
    task_ref text NOT NULL REFERENCES task,
    attempt  integer NOT NULL,
    runner   text NOT NULL,
    at       timestamptz NOT NULL DEFAULT clock_timestamp()
);

GRANT SELECT, INSERT, UPDATE ON task TO mailroom_app;
GRANT SELECT, INSERT ON posted TO mailroom_app;

-- The index names a column that the line before does not add: the whole migration must go.
ALTER TABLE docjobs.job ADD COLUMN pages integer;
CREATE INDEX job_pages ON docjobs.job (page_count);

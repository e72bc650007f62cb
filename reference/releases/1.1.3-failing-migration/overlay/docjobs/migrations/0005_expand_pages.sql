-- The index names a column that nobody adds.
CREATE INDEX job_pages ON docjobs.job (page_count);

-- The index names a column that the line before does not add: everything before it must go too, the other file included.
ALTER TABLE docjobs.job ADD COLUMN page_size text;
CREATE INDEX job_pages ON docjobs.job (page_count);

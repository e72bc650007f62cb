-- After the last 1.0 worker is gone: every job has a language, undetermined where nobody looked.
ALTER TABLE docjobs.job ALTER COLUMN language SET DEFAULT 'und';
UPDATE docjobs.job SET language = 'und' WHERE language IS NULL;
ALTER TABLE docjobs.job ALTER COLUMN language SET NOT NULL;

-- Sound: nullable and without default.
ALTER TABLE docjobs.job ADD COLUMN pages integer;

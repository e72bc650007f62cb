-- Nullable and without default: no rewrite, and release 1.0 goes on inserting without it.
ALTER TABLE docjobs.job ADD COLUMN language text;

-- A point of an old step stands for the steps before it, whose least, largest and mean value it keeps.
ALTER TABLE "MetricPoint"
  ADD COLUMN "steps" INTEGER NOT NULL DEFAULT 1,
  ADD COLUMN "min" DOUBLE PRECISION,
  ADD COLUMN "max" DOUBLE PRECISION,
  ADD COLUMN "mean" DOUBLE PRECISION;
ALTER TABLE "Run" ADD COLUMN "thinnedStep" INTEGER NOT NULL DEFAULT 0;

-- Their few rows are rewritten every second or so: there is room beside a row for its next version, and what is dead
-- is cleared away early.
ALTER TABLE "Agent" SET (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200,
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 200);
ALTER TABLE "Lease" SET (fillfactor = 25, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
ALTER TABLE "Run" SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

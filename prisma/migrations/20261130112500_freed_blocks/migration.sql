-- CreateTable
CREATE TABLE "FreedBlock" (
    "id" BIGSERIAL NOT NULL,
    "sha256" TEXT NOT NULL,

    CONSTRAINT "FreedBlock_pkey" PRIMARY KEY ("id")
);

-- References go with their checkpoint, by a cascade of the database that no statement of the API sees. The body spells its
-- semicolons as escapes, because whatever applies this file ends a statement at each semicolon.
CREATE FUNCTION millrace_note_freed_blocks() RETURNS trigger LANGUAGE plpgsql AS E'BEGIN
  INSERT INTO "FreedBlock" ("sha256") SELECT DISTINCT "sha256" FROM gone\x3b
  RETURN NULL\x3b
END';
CREATE TRIGGER "CheckpointBlock_freed" AFTER DELETE ON "CheckpointBlock" REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION millrace_note_freed_blocks();

-- Its rows come and go: what is dead is cleared away early.
ALTER TABLE "FreedBlock" SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

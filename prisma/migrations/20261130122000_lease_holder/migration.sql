-- A lease is held by an attempt or by a generation, never by both.
ALTER TABLE "Lease" ALTER COLUMN "runId" DROP NOT NULL,
  ADD COLUMN "generationId" TEXT;

ALTER TABLE "Lease" ADD CONSTRAINT "Lease_one_holder" CHECK (num_nonnulls("runId", "generationId") = 1);

-- CreateIndex
CREATE INDEX "Lease_generationId_idx" ON "Lease"("generationId");

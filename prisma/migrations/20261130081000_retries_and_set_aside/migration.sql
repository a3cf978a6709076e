-- AlterTable
ALTER TABLE "Agent" ADD COLUMN     "setAsideReason" TEXT,
ADD COLUMN     "setAsideUntil" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "Run" ADD COLUMN     "retryAt" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "Attempt_finishedAt_idx" ON "Attempt"("finishedAt");

-- DropForeignKey
ALTER TABLE "LogLine" DROP CONSTRAINT "LogLine_runId_fkey";

-- DropForeignKey
ALTER TABLE "MetricPoint" DROP CONSTRAINT "MetricPoint_runId_fkey";

-- CreateTable
CREATE TABLE "RemovedRun" (
    "runId" TEXT NOT NULL,
    "removedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT millrace_now(),

    CONSTRAINT "RemovedRun_pkey" PRIMARY KEY ("runId")
);

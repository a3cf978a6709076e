-- AlterTable
ALTER TABLE "Attempt" ADD COLUMN     "comparison" JSONB;

-- CreateTable
CREATE TABLE "LayerProfile" (
    "kind" TEXT NOT NULL,
    "model" TEXT NOT NULL,
    "microBatch" INTEGER NOT NULL,
    "recompute" TEXT NOT NULL,
    "agentId" TEXT NOT NULL,
    "askedAt" TIMESTAMP(3) NOT NULL,
    "work" JSONB NOT NULL,
    "layers" JSONB,
    "error" TEXT,
    "measuredAt" TIMESTAMP(3),

    CONSTRAINT "LayerProfile_pkey" PRIMARY KEY ("kind","model","microBatch","recompute")
);

-- CreateTable
CREATE TABLE "LinkProfile" (
    "fromAgent" TEXT NOT NULL,
    "toAgent" TEXT NOT NULL,
    "latencySeconds" DOUBLE PRECISION NOT NULL,
    "bytesPerSecond" DOUBLE PRECISION NOT NULL,
    "measuredAt" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "LinkProfile_pkey" PRIMARY KEY ("fromAgent","toAgent")
);

-- CreateIndex
CREATE INDEX "LayerProfile_agentId_idx" ON "LayerProfile"("agentId");

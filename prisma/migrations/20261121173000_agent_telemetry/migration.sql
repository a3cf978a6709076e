-- Telemetry of agents: the newest on the agent's row, the last hours in rows of their own. They are pruned by time and
-- refer to no agent, so that a sample needs no look at one.
ALTER TABLE "Agent" ADD COLUMN     "telemetry" JSONB;

CREATE TABLE "AgentTelemetry" (
    "agentId" TEXT NOT NULL,
    "time" TIMESTAMP(3) NOT NULL,
    "utilizationPercent" DOUBLE PRECISION,
    "memoryUsedBytes" DOUBLE PRECISION,
    "memoryTotalBytes" DOUBLE PRECISION,
    "temperatureC" DOUBLE PRECISION,
    "powerW" DOUBLE PRECISION,
    "loadAverage" DOUBLE PRECISION,
    "hostMemoryUsedBytes" DOUBLE PRECISION,

    CONSTRAINT "AgentTelemetry_pkey" PRIMARY KEY ("agentId","time")
);

CREATE INDEX "AgentTelemetry_time_idx" ON "AgentTelemetry"("time");

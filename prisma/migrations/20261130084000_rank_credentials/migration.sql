-- CreateTable
CREATE TABLE "RankCredential" (
    "runId" TEXT NOT NULL,
    "fence" INTEGER NOT NULL,
    "rank" INTEGER NOT NULL,
    "authority" TEXT NOT NULL,
    "certificate" TEXT NOT NULL,
    "privateKey" TEXT NOT NULL,

    CONSTRAINT "RankCredential_pkey" PRIMARY KEY ("runId","fence","rank")
);

-- AddForeignKey
ALTER TABLE "RankCredential" ADD CONSTRAINT "RankCredential_runId_fence_fkey" FOREIGN KEY ("runId", "fence") REFERENCES "Attempt"("runId", "fence") ON DELETE CASCADE ON UPDATE CASCADE;

-- CreateTable
CREATE TABLE "KernelChoice" (
    "kind" TEXT NOT NULL,
    "kernel" TEXT NOT NULL,
    "bucket" TEXT NOT NULL,
    "form" TEXT NOT NULL,
    "ms" DOUBLE PRECISION NOT NULL,
    "usualMs" DOUBLE PRECISION NOT NULL,
    "agentId" TEXT NOT NULL,
    "measuredAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "KernelChoice_pkey" PRIMARY KEY ("kind","kernel","bucket")
);

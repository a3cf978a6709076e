-- CreateTable
CREATE TABLE "LeaseTerm" (
    "id" INTEGER NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "LeaseTerm_pkey" PRIMARY KEY ("id")
);

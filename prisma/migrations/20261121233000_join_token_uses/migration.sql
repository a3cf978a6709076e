-- AlterTable
ALTER TABLE "JoinToken" ADD COLUMN     "usesLeft" INTEGER NOT NULL DEFAULT 1;

-- Those that were used are used up.
UPDATE "JoinToken" SET "usesLeft" = 0 WHERE "usedAt" IS NOT NULL;

-- AlterTable
ALTER TABLE "BlockHold" DROP CONSTRAINT "BlockHold_pkey",
ADD COLUMN     "step" INTEGER NOT NULL DEFAULT 0,
ADD CONSTRAINT "BlockHold_pkey" PRIMARY KEY ("sha256", "owner", "fence", "step");

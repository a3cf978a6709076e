-- AlterTable
ALTER TABLE "BlockHold" DROP COLUMN "bytes";

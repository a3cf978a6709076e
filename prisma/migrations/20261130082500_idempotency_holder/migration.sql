-- AlterTable
ALTER TABLE "IdempotencyKey" ADD COLUMN     "holder" TEXT NOT NULL DEFAULT '';

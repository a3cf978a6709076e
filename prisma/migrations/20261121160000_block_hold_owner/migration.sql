-- A hold now says who holds, so that it can be taken back. Those that are there belong to nobody and run out.
ALTER TABLE "BlockHold" DROP CONSTRAINT "BlockHold_pkey",
ADD COLUMN     "owner" TEXT NOT NULL DEFAULT '',
ADD COLUMN     "fence" INTEGER NOT NULL DEFAULT 0,
ADD CONSTRAINT "BlockHold_pkey" PRIMARY KEY ("sha256", "owner", "fence");

ALTER TABLE "BlockHold" ALTER COLUMN "owner" DROP DEFAULT,
ALTER COLUMN "fence" DROP DEFAULT;

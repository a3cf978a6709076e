-- AlterTable
ALTER TABLE "JoinToken" ADD COLUMN     "createdById" TEXT,
ADD COLUMN     "createdByName" TEXT,
ADD COLUMN     "revokedAt" TIMESTAMP(3),
ADD COLUMN     "uses" INTEGER NOT NULL DEFAULT 1;

-- What the audit tells of those made before.
UPDATE "JoinToken" j
SET "createdById" = a."actorId", "createdByName" = a."actorName", "uses" = COALESCE((a."data"->>'uses')::INTEGER, 1)
FROM "AuditEntry" a
WHERE a."action" = 'join-token.create' AND a."subject" = j."id";

-- AlterTable
ALTER TABLE "Agent" ALTER COLUMN "createdAt" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "Attempt" ALTER COLUMN "createdAt" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "AuditEntry" ALTER COLUMN "time" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "Checkpoint" ALTER COLUMN "createdAt" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "Dataset" ALTER COLUMN "createdAt" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "Event" ALTER COLUMN "time" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "JoinToken" ALTER COLUMN "createdAt" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "Project" ALTER COLUMN "createdAt" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "Run" ALTER COLUMN "createdAt" SET DEFAULT millrace_now(),
ALTER COLUMN "updatedAt" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "Token" ALTER COLUMN "createdAt" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "User" ALTER COLUMN "createdAt" SET DEFAULT millrace_now();

-- AlterTable
ALTER TABLE "WebSession" ALTER COLUMN "createdAt" SET DEFAULT millrace_now();

import type { Prisma } from '../generated/prisma/client';

/** The dashboard's filter, for the runs that it has not loaded: every word is in the name, id, project or reason. */
export function searchedRuns(text: string): Prisma.RunWhereInput[] {
  const words = text.split(/\s+/).filter(Boolean);
  return words.map((word) => {
    // What Postgres takes for "anything" in a pattern is meant as it stands.
    const found = { contains: word.replace(/[\\%_]/g, '\\$&'), mode: 'insensitive' } as const;
    const { contains: string_contains, mode } = found;
    return {
      OR: [
        { name: found },
        { id: found },
        { project: found },
        ...['message', 'code'].map((key) => ({ reason: { path: [key], string_contains, mode } })),
      ],
    };
  });
}

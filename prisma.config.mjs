import { defineConfig } from 'prisma/config';

/** The database's address is not here: the API applies the migrations itself, at start. */
export default defineConfig({ schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' } });

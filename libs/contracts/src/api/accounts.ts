import { z } from 'zod';

/** Each role may do what the ones before it may: viewer reads, member trains, admin does everything. */
export const USER_ROLES = ['viewer', 'member', 'admin'] as const;
export const userRoleSchema = z.enum(USER_ROLES);
export type UserRole = z.output<typeof userRoleSchema>;

/**
 * The part of its user's role that a token may use. `read`: every GET; `runs`: submit and steer runs; `data`: datasets
 * and checkpoints, generating; `agents`: drain, join tokens, agents' sessions; `accounts`: users, tokens, projects,
 * audit.
 */
export const TOKEN_SCOPES = ['*', 'read', 'runs', 'data', 'agents', 'accounts'] as const;
export const tokenScopeSchema = z.enum(TOKEN_SCOPES);
export type TokenScope = z.output<typeof tokenScopeSchema>;

const nameSchema = z.string().regex(/^[A-Za-z0-9._@ -]{1,128}$/, 'must be 1 to 128 of A-Z, a-z, 0-9, space and "._@-"');
/** The same rule as for the `project` of a run spec. */
const projectNameSchema = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, 'must be 1 to 128 of A-Z, a-z, 0-9 and "._-"');
const scopeListSchema = z.array(tokenScopeSchema).min(1).max(TOKEN_SCOPES.length);

export const userSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    role: userRoleSchema,
    disabled: z.boolean(),
    createdAt: z.string(),
  })
  .meta({ id: 'User' });
export type UserBody = z.output<typeof userSchema>;

export const newUserSchema = z.strictObject({ name: nameSchema, role: userRoleSchema }).meta({ id: 'NewUser' });
export type NewUser = z.output<typeof newUserSchema>;

export const userChangesSchema = z
  .strictObject({ name: nameSchema, role: userRoleSchema, disabled: z.boolean() })
  .partial()
  .meta({ id: 'UserChanges' });
export type UserChanges = z.output<typeof userChangesSchema>;

export const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    /** Null for an agent's own credential. */
    user: z.object({ id: z.string(), name: z.string() }).nullable(),
    agentId: z.string().nullable(),
    scope: z.array(z.string()),
    createdAt: z.string(),
    /** Null if it does not expire. */
    expiresAt: z.string().nullable(),
  })
  .meta({ id: 'Token' });
export type TokenBody = z.output<typeof tokenSchema>;

/** This is the only answer with the secret, which is not stored. */
export const createdTokenSchema = tokenSchema.extend({ token: z.string() }).meta({ id: 'CreatedToken' });
export type CreatedToken = z.output<typeof createdTokenSchema>;

export const newTokenSchema = z
  .strictObject({
    name: nameSchema,
    scope: scopeListSchema.default(['*']),
    expiresAt: z.iso.datetime({ offset: true }).nullable().default(null),
    /** The user who gets the token; without it, the caller. Only an admin makes tokens for others. */
    userId: z.string().min(1).max(64).optional(),
  })
  .meta({ id: 'NewToken' });
export type NewToken = z.output<typeof newTokenSchema>;

export const newJoinTokenSchema = z
  .strictObject({
    expiresInSeconds: z
      .int()
      .min(60)
      .max(365 * 86_400)
      .default(3_600),
    /** How many agents the token enrols: as many as a job or a group of nodes starts. */
    uses: z.int().min(1).max(10_000).default(1),
  })
  .meta({ id: 'NewJoinToken' });
export type NewJoinToken = z.output<typeof newJoinTokenSchema>;

export const joinTokenSchema = z
  .object({ id: z.string(), token: z.string(), expiresAt: z.string(), uses: z.int(), command: z.string() })
  .meta({ id: 'JoinToken' });
export type JoinTokenBody = z.output<typeof joinTokenSchema>;

/** What is stored about a join token: everything except the token itself. */
export const joinTokenRecordSchema = z
  .object({
    id: z.string(),
    createdBy: z.object({ id: z.string(), name: z.string() }).nullable(),
    createdAt: z.string(),
    expiresAt: z.string(),
    /** How many agents it was made for. */
    uses: z.int(),
    usesLeft: z.int(),
    /** The time of its last use; `agentId` is the agent that joined then. */
    usedAt: z.string().nullable(),
    agentId: z.string().nullable(),
    revokedAt: z.string().nullable(),
  })
  .meta({ id: 'JoinTokenRecord' });
export type JoinTokenRecord = z.output<typeof joinTokenRecordSchema>;

export const projectSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    /** Whether every user of role member belongs to it. */
    everyone: z.boolean(),
    /** Ids of users. */
    members: z.array(z.string()),
    createdAt: z.string(),
  })
  .meta({ id: 'Project' });
export type ProjectBody = z.output<typeof projectSchema>;

const memberListSchema = z.array(z.string().min(1).max(64)).max(1000);

export const newProjectSchema = z
  .strictObject({
    name: projectNameSchema,
    everyone: z.boolean().default(false),
    members: memberListSchema.default([]),
  })
  .meta({ id: 'NewProject' });
export type NewProject = z.output<typeof newProjectSchema>;

/** A project keeps its name, since runs carry it. */
export const projectChangesSchema = z
  .strictObject({ everyone: z.boolean(), members: memberListSchema })
  .partial()
  .meta({ id: 'ProjectChanges' });
export type ProjectChanges = z.output<typeof projectChangesSchema>;

export const auditEntrySchema = z
  .object({
    id: z.string(),
    time: z.string(),
    /** A user, an agent, or the system. */
    actor: z.object({ id: z.string(), name: z.string() }),
    tokenId: z.string().nullable(),
    action: z.string(),
    /** Id of what was changed. */
    subject: z.string(),
    data: z.unknown(),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntryBody = z.output<typeof auditEntrySchema>;

export const newSessionSchema = z.strictObject({ token: z.string().min(1).max(1000) }).meta({ id: 'NewSession' });

export const sessionSchema = z
  .object({
    user: z.object({ id: z.string(), name: z.string(), role: userRoleSchema }),
    /** When the session, or the bearer token, expires; null means never. */
    expiresAt: z.string().nullable(),
  })
  .meta({ id: 'Session' });
export type SessionBody = z.output<typeof sessionSchema>;

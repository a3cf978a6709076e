import { type ExecutionContext, SetMetadata } from '@nestjs/common';
import { type TokenScope, USER_ROLES, type UserRole } from '@millrace/contracts';
import { roleForbidden, scopeForbidden } from './auth.errors';
import type { Principal } from './principal';

/** What a call requires of its token. */
export interface AccessRule {
  readonly role: UserRole;
  readonly scope: TokenScope;
}

const PUBLIC = Symbol('needs no token');
const ACCESS = Symbol('role and scope');
const READ_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Marks a controller or route that needs no token. */
export function Public(): ClassDecorator & MethodDecorator {
  return SetMetadata(PUBLIC, true);
}

/** The least role and the scope of a token that a route requires. */
export function Access(role: UserRole, scope: TokenScope): ClassDecorator & MethodDecorator {
  return SetMetadata(ACCESS, { role, scope } satisfies AccessRule);
}

export function isPublic(context: ExecutionContext): boolean {
  return metadata<boolean>(context, PUBLIC) === true;
}

/** Without a mark, every viewer may GET, and only admins may do anything else. */
export function accessRule(context: ExecutionContext, method: string): AccessRule {
  const rule = metadata<AccessRule>(context, ACCESS);
  return rule ?? (READ_METHODS.has(method) ? { role: 'viewer', scope: 'read' } : { role: 'admin', scope: '*' });
}

export function mayDo(principal: Pick<Principal, 'role' | 'scope'>, rule: AccessRule): boolean {
  return hasRole(principal, rule) && covers(principal.scope, rule.scope);
}

/** @throws AppError AUTH.ROLE_FORBIDDEN, AUTH.SCOPE_FORBIDDEN */
export function assertAccess({ role, scope }: Pick<Principal, 'role' | 'scope'>, rule: AccessRule): void {
  if (!hasRole({ role }, rule)) throw roleForbidden(role, rule.role);
  if (!covers(scope, rule.scope)) throw scopeForbidden(scope, rule.scope);
}

function hasRole({ role }: Pick<Principal, 'role'>, rule: AccessRule): boolean {
  return role !== 'agent' && USER_ROLES.indexOf(role) >= USER_ROLES.indexOf(rule.role);
}

/** Whether a token with `scope` may be used where `needed` is required. */
export function covers(scope: readonly string[], needed: string): boolean {
  return scope.includes('*') || scope.includes(needed);
}

/** The method's mark takes precedence over its controller's. */
function metadata<T>(context: ExecutionContext, key: symbol): T | undefined {
  const [own, ofClass] = [context.getHandler(), context.getClass()].map(
    (target) => Reflect.getMetadata(key, target) as T | undefined,
  );
  return own ?? ofClass;
}

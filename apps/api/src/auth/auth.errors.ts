import { AppError } from '@millrace/core';

export function tokenMissing(): AppError {
  return new AppError({
    code: 'AUTH.TOKEN_MISSING',
    kind: 'unauthenticated',
    message:
      'a bearer token is needed; send "Authorization: Bearer TOKEN" (the token is in the file `token` of the home)',
  });
}

export function tokenUnknown(): AppError {
  return new AppError({
    code: 'AUTH.TOKEN_UNKNOWN',
    kind: 'unauthenticated',
    message: 'the bearer token is not known or was revoked; use the one in the file `token` of the home',
  });
}

export function roleForbidden(role: string): AppError {
  return new AppError({
    code: 'AUTH.ROLE_FORBIDDEN',
    kind: 'forbidden',
    message: `a token of role ${role} may not do this; use one of role admin`,
  });
}

#!/bin/sh
# Starts the API. With MILLRACE_ADMIN_TOKEN the home gets that token instead of a random one at its first start, so that
# agents and people can be given it beforehand.
set -eu

token_file="${MILLRACE_HOME}/token"
if [ -n "${MILLRACE_ADMIN_TOKEN:-}" ] && [ ! -e "$token_file" ]; then
  (umask 077 && printf '%s\n' "$MILLRACE_ADMIN_TOKEN" > "$token_file")
fi
unset MILLRACE_ADMIN_TOKEN
exec node /opt/millrace/dist/apps/api/src/main.js

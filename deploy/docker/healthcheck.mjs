/** `healthcheck.mjs api|agent`: exit code 0 when the container's process serves. */
import { request as http } from 'node:http';
import { request as https } from 'node:https';
import { connect } from 'node:net';
import { argv, env, exit } from 'node:process';

const TIMEOUT_MS = 4_000;
const HOST = '127.0.0.1';
setTimeout(() => exit(1), TIMEOUT_MS).unref();

if (argv[2] === 'api') {
  const secure = Boolean(env.MILLRACE_TLS_CERT) || env.MILLRACE_TLS === 'made';
  const options = { host: HOST, port: env.MILLRACE_HTTP_PORT ?? 7070, path: '/readyz', rejectUnauthorized: false };
  (secure ? https : http)(options, ({ statusCode }) => exit(statusCode === 200 ? 0 : 1))
    .on('error', () => exit(1))
    .end();
} else {
  connect({ host: HOST, port: Number(env.MILLRACE_DATA_PORT) })
    .on('connect', () => exit(0))
    .on('error', () => exit(1));
}

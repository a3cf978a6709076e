import { spawn } from 'node:child_process';

/** A child process that failed; the message holds the end of what it printed. */
export class CommandError extends Error {}

/**
 * Runs a command to its end and resolves to `{ code, output }`.
 * `inherit` shows its output as it comes; otherwise it is kept, and shown only when the command fails.
 * `allowFailure` resolves whatever the exit code; `timeoutMs` ends the command's whole process group.
 */
export function runCommand(command, args, options = {}) {
  const { cwd, env, inherit = false, allowFailure = false, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: inherit ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
      // A group of its own only where it may have to be ended whole; else Ctrl-C reaches it through the terminal.
      detached: timeoutMs !== undefined,
    });
    const forwardSignals = timeoutMs === undefined ? () => undefined : endGroupOnSignal(child);
    let output = '';
    let timedOut = false;
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            timedOut = true;
            endGroup(child, 'SIGKILL');
          }, timeoutMs);
    const settle = (finish) => {
      clearTimeout(timer);
      forwardSignals();
      finish();
    };
    child.on('error', (error) =>
      settle(() => reject(new CommandError(`${command} could not be started: ${error.message}`))),
    );
    child.on('close', (code, signal) =>
      settle(() => {
        const end = timedOut
          ? `took more than ${timeoutMs / 1000} s`
          : signal
            ? `was ended by ${signal}`
            : `ended with code ${code}`;
        if ((code === 0 && !timedOut) || allowFailure) return resolve({ code: code ?? 1, output, timedOut });
        const tail = redact(output).trimEnd().split('\n').slice(-40).join('\n');
        return reject(new CommandError(`\`${[command, ...args].join(' ')}\` ${end}${tail ? `:\n${tail}` : ''}`));
      }),
    );
  });
}

/** Addresses of package registries and mirrors may carry credentials: they are never shown. */
export function redact(text) {
  return text.replace(/\b(https?|ftp):\/\/[^\s'"]+/g, '$1://…');
}

function endGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** A detached child does not get the terminal's Ctrl-C: pass it on, and end as the signal would have. */
function endGroupOnSignal(child) {
  const handlers = ['SIGINT', 'SIGTERM'].map((signal) => {
    const handler = () => {
      endGroup(child, signal);
      child.once('close', () => process.exit(signal === 'SIGINT' ? 130 : 143));
    };
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  return () => handlers.forEach((remove) => remove());
}

import { closeSync, openSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { fileNotWritten } from '../commands.errors';

/**
 * A file that only its owner can read, written whole or not at all, because another program may be waiting for it. It
 * is opened before the secret that goes into it exists.
 */
export class PrivateFile {
  private constructor(
    private readonly path: string,
    private readonly handle: number,
  ) {}

  /** Throws CLI.FILE_NOT_WRITTEN. */
  static open(path: string): PrivateFile {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) throw fileNotWritten(path, 'it is a folder');
    return explained(path, () => {
      // An existing file may be readable or owned by others, and would keep its mode and owner.
      rmSync(newPath(path), { force: true });
      return new PrivateFile(path, openSync(newPath(path), 'wx', 0o600));
    });
  }

  /** Throws CLI.FILE_NOT_WRITTEN. */
  write(text: string): void {
    explained(this.path, () => {
      writeFileSync(this.handle, text);
      renameSync(newPath(this.path), this.path);
    });
  }

  /** Leaves either what was there before or what was written. */
  close(): void {
    closeSync(this.handle);
    rmSync(newPath(this.path), { force: true });
  }
}

const newPath = (path: string): string => `${path}.new`;

function explained<T>(path: string, task: () => T): T {
  try {
    return task();
  } catch (error) {
    throw fileNotWritten(path, error);
  }
}

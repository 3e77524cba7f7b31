/** Opens, writes and closes one capture file without ever following or replacing what is there. */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  unlinkSync,
  writeSync,
  writevSync,
} from 'node:fs';
import { isSystemError, LbcapError, messageOf } from '../errors.js';

/** Only the owner may read what was captured, as dumpcap and tcpdump -Z do. */
const mode = 0o600;

/**
 * Creates the file. With `force`, what stands there is unlinked first (a symlink itself, not its
 * target); without, anything there is an error. Either way the file is a new one.
 * @throws OUTPUT_EXISTS, OUTPUT_IO
 */
export function createFile(path: string, force: boolean): number {
  try {
    if (force) removeOld(path);
    // O_EXCL also refuses a dangling symlink (open(2)), O_NOFOLLOW says it again.
    return openSync(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      mode,
    );
  } catch (error) {
    throw error instanceof LbcapError ? error : outputError(path, error);
  }
}

/** Removes a file or a symlink, if one is there. @throws OUTPUT_IO for a directory, system errors */
export function removeOld(path: string): void {
  try {
    if (lstatSync(path).isDirectory()) {
      throw new LbcapError('OUTPUT_IO', `${path} is a directory`, 'choose another --out');
    }
    unlinkSync(path);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error;
  }
}

/**
 * Opens a file again that `createFile` made and the limit on open files closed.
 * @throws OUTPUT_IO when it is no longer the same file
 */
export function reopenFile(path: string, inode: number): number {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
    if (fstatSync(fd).ino === inode) return fd;
    closeSync(fd);
  } catch (error) {
    throw outputError(path, error);
  }
  throw new LbcapError(
    'OUTPUT_IO',
    `${path} was replaced while lbcap was writing to it`,
    'leave the files alone until lbcap has ended',
  );
}

/** Writes all of `bytes[start, end)` at `position`. @throws the system's error */
export function writeFully(
  fd: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  position: number,
): void {
  while (start < end) {
    const written = writeSync(fd, bytes, start, end - start, position);
    start += written;
    position += written;
  }
}

/** Writes all of `parts`, one behind the other, at `position`. @returns how much @throws the system's error */
export function writeTogether(fd: number, parts: readonly Uint8Array[], position: number): number {
  const size = parts.reduce((sum, { length }) => sum + length, 0);
  const written = writevSync(fd, parts, position);
  if (written < size) {
    // An error came after some of it, as on a full disk: the next write meets it again, and says which.
    const rest = Buffer.concat(parts).subarray(written);
    writeFully(fd, rest, 0, rest.length, position + written);
  }
  return size;
}

/** True once the last name of an open file is gone: what is written to it is lost. */
export function isUnlinked(fd: number): boolean {
  return fstatSync(fd).nlink === 0;
}

/** Cuts a file back to `size`, where its last whole record ends, and gives back blocks behind that. Best effort. */
export function cutBack(fd: number, size: number): void {
  try {
    ftruncateSync(fd, size);
  } catch {
    // One that failed has said so already; the other only keeps blocks that it does not need.
  }
}

/** The system's words about an output, with what to do. */
export function outputError(path: string, error: unknown): LbcapError {
  if (isSystemError(error, 'EEXIST')) {
    return new LbcapError(
      'OUTPUT_EXISTS',
      `${path} exists`,
      'give another --out, or --force to overwrite it',
      { cause: error },
    );
  }
  const remedy = isSystemError(error, 'ENOSPC', 'EDQUOT')
    ? 'the disk is full'
    : isSystemError(error, 'EACCES', 'EPERM', 'EROFS')
      ? 'you may not write there; give another --out'
      : isSystemError(error, 'ENOENT')
        ? 'its directory is gone'
        : isSystemError(error, 'ENOTDIR')
          ? 'part of the path is not a directory'
          : isSystemError(error, 'ELOOP')
            ? 'it is a symbolic link'
            : messageOf(error);
  return new LbcapError('OUTPUT_IO', `cannot write ${path}`, remedy, { cause: error });
}

/** The files of a sink that are complete while it goes on, and which of them stay. */
import { type OutputFile, removeOwn } from './open-files.js';
import type { WrittenFile } from './output.js';
import { outputError } from './output-file.js';

interface FinishedFile extends WrittenFile {
  readonly inode: number;
}

export class FinishedFiles {
  /** Of each id, the oldest first. */
  readonly #files = new Map<number, FinishedFile[]>();
  /** In all of them, those that are removed since among them. */
  packets = 0;

  add(file: OutputFile): WrittenFile {
    const written = writtenFile(file);
    const finished = this.#files.get(file.id) ?? [];
    this.#files.set(file.id, finished);
    finished.push({ ...written, inode: file.inode });
    this.packets += file.packets;
    return written;
  }

  /** Those that have had one. */
  get ids(): Iterable<number> {
    return this.#files.keys();
  }

  /** Those that are still there. */
  of(id: number): readonly WrittenFile[] {
    return this.#files.get(id) ?? [];
  }

  /**
   * Removes the oldest, so that with the next file there are not more than `keep`.
   * @throws OUTPUT_IO: the file is then no longer counted among them
   */
  makeRoom(id: number, keep: number): void {
    const finished = this.#files.get(id);
    while (finished !== undefined && finished.length >= keep) {
      const oldest = finished.shift();
      if (oldest === undefined) return;
      try {
        removeOwn(oldest.path, oldest.inode);
      } catch (error) {
        throw outputError(oldest.path, error);
      }
    }
  }
}

export function writtenFile(file: OutputFile): WrittenFile {
  return {
    output: file.output,
    path: file.path,
    size: Math.min(file.position, file.failedAt),
    packets: file.packets,
    complete: !file.failed,
  };
}

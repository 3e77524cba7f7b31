/** A file that another program is still writing: its end is waited at, as `tail -f` does. */
import { watch, type FSWatcher } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { LbcapError } from '../errors.js';
import { inputError, type ByteInput } from './byte-input.js';

/** Not every file system tells of changes: it is also looked at so often, milliseconds. */
const interval = 250;

/** @throws INPUT_IO when it cannot be opened */
export async function openGrowingFile(path: string): Promise<ByteInput> {
  try {
    const handle = await open(path, 'r');
    if ((await handle.stat()).isFile()) return new GrowingFile(path, handle);
    await handle.close();
  } catch (error) {
    throw inputError(path, error);
  }
  throw new LbcapError('INPUT_IO', `${path} is no regular file`, '--follow is for files that grow');
}

class GrowingFile implements ByteInput {
  readonly readAhead = 1;
  /** It has none yet. */
  readonly size = null;
  readonly name: string;
  readonly #handle: FileHandle;
  readonly #watcher: FSWatcher | null;
  #position = 0;
  #closed = false;
  #reading: Promise<unknown> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(name: string, handle: FileHandle) {
    this.name = name;
    this.#handle = handle;
    this.#watcher = watchOrNot(name, () => {
      this.#wake();
    });
  }

  async peek(length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const read = await this.#waitFor(bytes, filled, length - filled, filled);
      if (read === 0) break;
      filled += read;
    }
    return bytes.subarray(0, filled);
  }

  async read(bytes: Uint8Array, offset: number, length: number): Promise<number> {
    const read = await this.#waitFor(bytes, offset, length, this.#position);
    this.#position += read;
    return read;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#watcher?.close();
    this.#wake();
    await this.#reading;
    await this.#handle.close();
  }

  /** As many bytes as there are, at least one; 0 once it is closed. */
  async #waitFor(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<number> {
    while (!this.#closed) {
      const reading = this.#handle.read(bytes, offset, length, position);
      this.#reading = reading.catch(() => undefined);
      let bytesRead: number;
      try {
        ({ bytesRead } = await reading);
        if (bytesRead > 0) return bytesRead;
        if ((await this.#handle.stat()).size < position) {
          throw new LbcapError('INPUT_IO', `${this.name} became shorter while it was followed`);
        }
      } catch (error) {
        throw error instanceof LbcapError ? error : inputError(this.name, error);
      }
      await this.#change();
    }
    return 0;
  }

  #change(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, interval);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** `null` where the system has no more watches to give: then looking from time to time must do. */
function watchOrNot(path: string, onChange: () => void): FSWatcher | null {
  try {
    return watch(path, onChange).on('error', () => undefined);
  } catch {
    return null;
  }
}

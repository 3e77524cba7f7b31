/** Writes to a descriptor that others read from, in the background and in order. */
import { write } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import type { Memory } from '../formats/pcapng-packet.js';

/** Bytes gathered for one write; a longer block gets a write of its own. */
const chunkSize = 256 * 1024;

/** A pipe that somebody made non-blocking is full: milliseconds until it is tried again. */
const patience = 10;

export class StreamWriter {
  readonly #fd: number;
  readonly #name: string;
  #chunk: Memory = newChunk(chunkSize);
  #length = 0;
  /** Chunks that wait, and the write that is under way. */
  readonly #waiting: Uint8Array[] = [];
  #writing: Promise<void> | null = null;
  #error: LbcapError | null = null;
  #unwanted = false;

  constructor(fd: number, name: string) {
    this.#fd = fd;
    this.#name = name;
  }

  get error(): LbcapError | null {
    return this.#error;
  }

  /** The reader has closed its end. */
  get unwanted(): boolean {
    return this.#unwanted;
  }

  /** Where reserved bytes are put; another one after each `reserve`. */
  get memory(): Memory {
    return this.#chunk;
  }

  /** Offset in `memory` of so many bytes, which the caller fills at once. */
  reserve(size: number): number {
    if (this.#length + size > this.#chunk.bytes.length) {
      this.#queue();
      this.#chunk = newChunk(Math.max(chunkSize, size));
    }
    const at = this.#length;
    this.#length += size;
    return at;
  }

  write(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.#chunk.bytes.set(bytes, at);
  }

  /** Sends everything on its way. Resolves when it has left; `null` when nothing is on its way. */
  flush(): Promise<void> | null {
    if (this.#length > 0) {
      this.#queue();
      this.#chunk = newChunk(chunkSize);
    }
    if (this.#waiting.length > 0) this.#writing ??= this.#writeAll();
    return this.#writing;
  }

  async close(): Promise<void> {
    await this.flush();
  }

  #queue(): void {
    if (this.#length > 0) this.#waiting.push(this.#chunk.bytes.subarray(0, this.#length));
    this.#length = 0;
  }

  /** Never rejects: see `error`. */
  async #writeAll(): Promise<void> {
    for (let chunk = this.#waiting.shift(); chunk !== undefined; chunk = this.#waiting.shift()) {
      if (this.#error === null && !this.#unwanted) await this.#writeFully(chunk);
    }
    this.#writing = null;
  }

  async #writeFully(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      try {
        at += await writeSome(this.#fd, chunk.subarray(at));
      } catch (error) {
        if (isSystemError(error, 'EAGAIN')) {
          await delay(patience);
          continue;
        }
        if (isSystemError(error, 'EPIPE')) this.#unwanted = true;
        else this.#error = this.#failure(error);
        return;
      }
    }
  }

  #failure(error: unknown): LbcapError {
    const remedy = isSystemError(error, 'ENOSPC', 'EDQUOT') ? 'the disk is full' : messageOf(error);
    return new LbcapError('OUTPUT_IO', `cannot write to ${this.#name}`, remedy, { cause: error });
  }
}

/** In the thread pool: a reader that does not read must not keep signals from being answered. */
function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, 0, bytes.length, null, (error, written) => {
      if (error === null) resolve(written);
      else reject(error);
    });
  });
}

function newChunk(size: number): Memory {
  const buffer = new ArrayBuffer(size);
  return { bytes: new Uint8Array(buffer), view: new DataView(buffer) };
}

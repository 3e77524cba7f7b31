/** A pipe as a byte input: what its reader has no time for yet waits in one buffer, made once. */
import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { inputError, type ByteInput } from './byte-input.js';

/** As much as Linux lets a pipe hold unless told otherwise (pipe(7)). */
const readSize = 64 * 1024;
/** Of the buffer, the most that can be peeked at; behind it is room for one more read. */
const mostHeld = 1024 * 1024;
const bufferSize = mostHeld + readSize;

/** Whether a descriptor is what `PipeInput` reads; standard input may be anything. */
export function isPipe(fd: number): boolean {
  try {
    const stat = fstatSync(fd);
    return stat.isFIFO() || stat.isSocket();
  } catch {
    return false;
  }
}

/**
 * Node's streams allocate for each read, and so for each 64 KiB: of a capture of 10 GB that is more
 * than the rest of lbcap needs. Hands over what there is at once, so that live input stays live.
 */
export class PipeInput implements ByteInput {
  readonly readAhead = 1;
  readonly size = null;
  readonly name: string;
  readonly #socket: Socket;
  readonly #buffer = new Uint8Array(bufferSize);
  /** What was read and not yet taken. */
  #start = 0;
  #end = 0;
  #paused = false;
  #ended = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  /** @param fd of a pipe or a socket; closed with the input */
  constructor(name: string, fd: number) {
    this.name = name;
    const onread = {
      buffer: new Uint8Array(readSize),
      callback: (length: number, bytes: Uint8Array) => this.#take(bytes, length),
    };
    // The constructor takes it as connect() does, where it is documented.
    const options: ConstructorParameters<typeof Socket>[0] & { onread: typeof onread } = {
      fd,
      readable: true,
      writable: false,
      onread,
    };
    this.#socket = new Socket(options)
      .on('error', (error) => {
        this.#failure = error;
        this.#finish();
      })
      .on('close', () => {
        this.#finish();
      })
      .on('end', () => {
        this.#finish();
      });
    this.#socket.resume();
  }

  async peek(length: number): Promise<Uint8Array> {
    const wanted = Math.min(length, mostHeld);
    while (this.#end - this.#start < wanted && !this.#ended) await this.#more(wanted);
    this.#throwFailure();
    return this.#buffer.slice(this.#start, Math.min(this.#end, this.#start + wanted));
  }

  async read(bytes: Uint8Array, offset: number, length: number): Promise<number> {
    while (this.#end === this.#start && !this.#ended) await this.#more(1);
    if (this.#end === this.#start) this.#throwFailure();
    const taken = Math.min(length, this.#end - this.#start);
    bytes.set(this.#buffer.subarray(this.#start, this.#start + taken), offset);
    this.#start += taken;
    if (this.#start === this.#end) this.#start = this.#end = 0;
    this.#resume();
    return taken;
  }

  close(): Promise<void> {
    this.#socket.destroy();
    return Promise.resolve();
  }

  /** False where there is no room for another read. */
  #take(bytes: Uint8Array, length: number): boolean {
    this.#buffer.set(bytes.subarray(0, length), this.#end);
    this.#end += length;
    this.#paused = this.#end > mostHeld;
    this.#wakeUp();
    return !this.#paused;
  }

  /** @param needed bytes that must find room */
  async #more(needed: number): Promise<void> {
    if (this.#start + needed > mostHeld) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    this.#resume();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #resume(): void {
    if (!this.#paused || this.#end > mostHeld) return;
    this.#paused = false;
    this.#socket.resume();
  }

  #finish(): void {
    this.#ended = true;
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw inputError(this.name, this.#failure);
  }
}

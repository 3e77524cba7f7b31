/** A C stream into memory: where libpcap writes a run of packet records. */
import { LbcapError } from '../errors.js';
import type { Library } from './library.js';
import type { Pointer } from './symbols.js';

const seekSet = 0;
/** FSETLOCKING_BYCALLER (stdio_ext.h): the caller sees to it that one thread uses the FILE at a time. */
const lockingByCaller = 2;

/**
 * open_memstream(3): a FILE whose contents are one block of memory that grows as C writes.
 * Nothing here is thread-safe: while an asynchronous call writes, only that call may touch it.
 */
export class MemoryStream {
  readonly #library: Library;
  /** Two words of C memory that the stream keeps up to date: the block's address and its size. */
  readonly #words: Pointer;
  readonly #view: DataView;
  #file: Pointer | null;

  constructor(library: Library) {
    const { koffi, c, layouts } = library;
    this.#library = library;
    // Memory of C, not of JavaScript: the stream writes to it on later calls, when a buffer passed
    // as an argument might have been moved.
    this.#words = koffi.alloc('uint8_t', 2 * layouts.pointerSize) as Pointer;
    this.#view = new DataView(koffi.view(this.#words, 2 * layouts.pointerSize));
    this.#file = c.open_memstream(this.#words, this.#words + BigInt(layouts.pointerSize));
    if (this.#file === null) {
      koffi.free(this.#words);
      throw new LbcapError('CAPTURE_FAILED', 'no memory for the packets of a capture');
    }
    // pcap_dump makes three stdio calls a packet, and each would take and give back a lock.
    c.__fsetlocking?.(this.#file, lockingByCaller);
  }

  /** The FILE, for C. */
  get file(): Pointer {
    return this.#file!;
  }

  /** Bytes written since the last `rewind`. Throws `CAPTURE_FAILED` where memory ran out. */
  flush(): number {
    // pcap_dump looks at no result of fwrite, so the stream's error flag is all there is.
    if (this.#library.c.fflush(this.file) !== 0 || this.#library.c.ferror(this.file) !== 0) {
      throw new LbcapError(
        'CAPTURE_FAILED',
        'memory for captured packets ran out',
        'capture less with --snaplen or --filter',
      );
    }
    return Number(this.#word(1));
  }

  /** Copies `[from, from + target.length)` of what was flushed. */
  copy(from: number, target: Uint8Array): void {
    this.#library.c.memcpy(target, this.#word(0) + BigInt(from), target.length);
  }

  /** The next byte is written to the front; the block keeps its size. */
  rewind(): void {
    this.#library.c.fseek(this.file, 0, seekSet);
    // musl says the size only when something is written, so that the last run would show again.
    this.#view.setUint32(this.#library.layouts.pointerSize, 0, littleEndian);
    if (this.#library.layouts.pointerSize === 8) this.#view.setUint32(12, 0, littleEndian);
  }

  /**
   * Frees the block and the two words. The FILE itself was closed before (pcap_dump_close does it),
   * which is also the last time that the words are written.
   */
  free(): void {
    if (this.#file === null) return;
    this.#file = null;
    const block = this.#word(0);
    if (block !== 0n) this.#library.c.free(block);
    this.#library.koffi.free(this.#words);
  }

  #word(index: 0 | 1): bigint {
    const size = this.#library.layouts.pointerSize;
    return size === 8
      ? this.#view.getBigUint64(index * 8, littleEndian)
      : BigInt(this.#view.getUint32(index * 4, littleEndian));
  }
}

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

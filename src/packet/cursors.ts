/** Where the next records of each output go: numbers side by side, so that a walk can append by itself. */
import type { Arena, Region } from './arena.js';

/** Runs that fit into the list, and the words of each: cursor, where it stands, start, end, packets. */
const mostListed = 1024;
export const listedWidth = 5;
const listSize = 4 * (1 + mostListed * listedWidth);
const nothing = new Uint32Array(1);

export class Cursors {
  /** How many there are. */
  readonly length: number;
  /** Offset in the arena's memory where they begin; -1 when they are elsewhere. */
  readonly at: number;
  /** Packets appended to the file that the output has now. */
  readonly packets: Float64Array;
  /** Arena offsets: where the next record goes, and where the room for records ends. */
  readonly next: Uint32Array;
  readonly limit: Uint32Array;
  /** Not 0: something came since somebody last looked. */
  readonly used: Uint8Array;
  /** Not 0: no runs of the output are to be listed. */
  readonly busy: Uint8Array;
  /**
   * How many runs are listed instead of appended, then the runs: what stands before `next` as it was then comes
   * before them.
   */
  readonly list: Uint32Array;

  /** @param place of `sizeOf`, all zero; without it they are where no WebAssembly reaches */
  constructor(length: number, place?: { readonly arena: Arena; readonly region: Region }) {
    const buffer = place?.arena.bytes.buffer ?? new ArrayBuffer(18 * length);
    const at = place?.region.start ?? 0;
    this.length = length;
    this.at = place === undefined ? -1 : at;
    // `assembly/append-runs.ts` has the same order.
    this.packets = new Float64Array(buffer, at, length);
    this.next = new Uint32Array(buffer, at + 8 * length, length);
    this.limit = new Uint32Array(buffer, at + 12 * length, length);
    this.used = new Uint8Array(buffer, at + 16 * length, length);
    this.busy = new Uint8Array(buffer, at + 17 * length, length);
    const listAt = at + Math.ceil((18 * length) / 4) * 4;
    this.list = place === undefined ? nothing : new Uint32Array(buffer, listAt, listSize / 4);
  }

  /** Bytes. */
  static sizeOf(length: number): number {
    return 18 * length + 4 + listSize;
  }
}

/** Rows of Enhanced Packet Blocks of one interface, which most of a pcapng capture is: in WebAssembly. */
import type { Arena } from '../packet/arena.js';
import { loadWalk } from '../packet/walk-module.js';
import { convertTicks, type TickRate } from './ticks.js';

/** What the module exports; what each does stands there. Integers of 32 bits, but for `offset`, a double. */
interface EnhancedRowModule {
  findEnhanced(
    at: number,
    end: number,
    id: number,
    little: number,
    longest: number,
    found: number,
    count: number,
    most: number,
  ): number;
  convertRow(
    starts: number,
    end: number,
    little: number,
    unit: number,
    offset: number,
    perSecond: number,
  ): void;
}

export class EnhancedRows {
  readonly #arena: Arena;
  readonly #module: EnhancedRowModule | null;
  readonly #longest: number;
  readonly #found: Int32Array;

  /**
   * @param longest no block is longer, bytes
   * @param found in the arena; has room for the offsets of a walk, and one more
   */
  constructor(arena: Arena, longest: number, found: Int32Array) {
    this.#arena = arena;
    this.#module = loadWalk('enhanced-row', arena) as EnhancedRowModule | null;
    this.#longest = longest;
    this.#found = found;
  }

  /**
   * Finds such blocks from `at` on, whole and without fault, up to the first that is something else.
   * Where their record headers would begin is put into `found`, from index `count` on; behind the last,
   * where the row ends.
   * @param most how many are to be in `found`
   * @returns how many are: none are added where there is no WebAssembly
   */
  find(
    at: number,
    end: number,
    interfaceId: number,
    little: boolean,
    count: number,
    most = this.#found.length - 1,
  ): number {
    if (this.#module === null) return count;
    const { byteOffset } = this.#found;
    return this.#module.findEnhanced(
      at,
      end,
      interfaceId,
      Number(little),
      this.#longest,
      byteOffset,
      count,
      most,
    );
  }

  /** `convertTicks` for what was found, from index `from` to before `to`. */
  convert(
    from: number,
    to: number,
    little: boolean,
    rate: TickRate,
    offset: number,
    perSecond: number,
  ): void {
    if (this.#module !== null && rate.small > 0 && Number.isSafeInteger(offset)) {
      const { byteOffset, BYTES_PER_ELEMENT: size } = this.#found;
      const [first, end] = [byteOffset + from * size, byteOffset + to * size];
      this.#module.convertRow(first, end, Number(little), rate.small, offset, perSecond);
      return;
    }
    // Parts of seconds, and rates that are powers of two.
    for (let at = from; at < to; at++) {
      convertTicks(this.#arena.view, this.#found[at], little, rate, offset, perSecond);
    }
  }
}

/** A label's addresses in turn, and the counts, under method seccomp; both as the BPF programs do it. */
import { mappedIPv4, valueOf } from '../labels/address.js';
import type { AddressBytes } from '../labels/label.js';
import { blocks, blockWords, word, type Block } from './account-layout.js';
import { addressAt, countOf, type AddressRun, type Sources } from './sources.js';

/** An address that is taken only if it can be used. */
export interface Turn {
  readonly address: AddressBytes;
  /** It was used: counts it. */
  take(): void;
}

export class LabelTurns {
  readonly #sources: Sources;
  readonly #words: BigUint64Array;
  readonly #perAddress: BigUint64Array;

  /** @param words laid out as in account-layout.ts @param perAddress as the map `addresses` */
  constructor(sources: Sources, words: BigUint64Array, perAddress: BigUint64Array) {
    this.#sources = sources;
    this.#words = words;
    this.#perAddress = perAddress;
  }

  /**
   * @param which the next one, or always the first
   * @returns `null` when the label has no address of that family
   */
  next(block: Block, family: 4 | 6, which: 'turn' | 'first' = 'turn'): Turn | null {
    const { ipv4, ipv6 } = this.#sources;
    const runs = family === 4 ? ipv4 : ipv6;
    const size = countOf(runs);
    if (size === 0) return null;
    const cursor = blocks[block] * blockWords + (family === 4 ? word.cursor4 : word.cursor6);
    const turn = which === 'first' ? 0 : Number(this.#words[cursor] % BigInt(size));
    if (which === 'turn') this.#words[cursor] += 1n;
    return {
      address: addressAt(runs, turn),
      take: () => {
        this.count(block, word.done);
        if (size === 1) return;
        const half = block === 'stream' ? 0 : countOf(ipv4) + countOf(ipv6);
        this.#perAddress[half + (family === 4 ? 0 : countOf(ipv4)) + turn] += 1n;
      },
    };
  }

  /** Adds one to a word of a block: an error number, or one of `word`. */
  count(block: Block, index: number): void {
    this.add(blocks[block] * blockWords + Math.min(index, word.kept));
  }

  /** Adds one to a word: one of `extra`. */
  add(index: number): void {
    this.#words[index] += 1n;
  }

  /** Whether an address, IPv4-mapped or not, is one of the label's. */
  has(address: Uint8Array): boolean {
    const value = valueOf(address);
    const as4 = address.length === 4 ? value : mappedIPv4(value);
    const within = (runs: readonly AddressRun[], wanted: bigint) =>
      runs.some(({ first, count }) => {
        const offset = wanted - valueOf(first);
        return offset >= 0n && offset < BigInt(count);
      });
    return as4 === null ? within(this.#sources.ipv6, value) : within(this.#sources.ipv4, as4);
  }
}

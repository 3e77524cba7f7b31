/** Packets that a pcapng says were lost: the last count of each interface of each section. */
import { readInterfaceCounts } from '../formats/pcapng-facts.js';

/** `null` where no file says it: that is not zero. */
export interface Drops {
  readonly kernel: number | null;
  readonly interface: number | null;
}

export class DropCounts {
  readonly #counts = new Map<string, Drops>();
  #section = 0;

  beginSection(): void {
    this.#section++;
  }

  /** @param bytes an interface statistics block */
  take(bytes: Uint8Array, bigEndian: boolean): void {
    const counts = readInterfaceCounts(bytes, bigEndian);
    if (counts === null) return;
    // Later blocks count on from where earlier ones stopped.
    this.#counts.set(`${this.#section}:${counts.interfaceId}`, {
      kernel: counts.kernelDropped,
      interface: counts.interfaceDropped,
    });
  }

  get sum(): Drops {
    const all = [...this.#counts.values()];
    const sumOf = (values: readonly (number | null)[]) => {
      const known = values.filter((value) => value !== null);
      return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0);
    };
    return {
      kernel: sumOf(all.map(({ kernel }) => kernel)),
      interface: sumOf(all.map((drops) => drops.interface)),
    };
  }
}

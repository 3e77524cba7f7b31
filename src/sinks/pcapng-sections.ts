/** What a pcapng file holds besides packets: which blocks, and which output's file has them already. */
import { blockTypes } from '../formats/pcapng-layout.js';
import {
  blockType,
  interfaceNamed,
  sectionHeaderWith,
  statisticsInterface,
} from '../formats/pcapng-rewrite.js';
import {
  concat,
  interfaceDescription,
  interfaceStatistics,
  nameResolution,
  sectionHeader,
  type NamedAddress,
  type SectionDescription,
} from '../formats/pcapng-write.js';
import type { Batch } from '../packet/batch.js';
import type { SourceCounters } from '../packet/counters.js';
import { itemAt, type Sequence } from '../sequence.js';

/** What is said of the capture in its files. */
export interface PcapngOptions {
  /** Of files that are made from scratch; its comments go into copied sections too. */
  readonly section: SectionDescription;
  /** For each of the classifier's outputs. */
  readonly interfaces: Sequence<OutputInterface>;
  readonly snaplen: number;
  /** For if_description: where the packets came from. */
  readonly source: string;
  /** The operating system of a live capture; `undefined` for files, which may come from another. */
  readonly os?: string | undefined;
  /** Names of addresses for an output's file. */
  readonly names: (output: number) => readonly NamedAddress[];
  readonly counters: () => SourceCounters;
  /** The outputs share one stream, where only the interface tells them apart: it is always named. */
  readonly shared?: boolean;
  /** Milliseconds since 1970 when a live capture began; `null`: the packets' times are the capture's. */
  readonly startedAt: number | null;
}

export interface OutputInterface {
  /** if_name, `lbcap:<label>`. */
  readonly name: string;
  /** if_filter, pcap-filter(7). */
  readonly filter: string | undefined;
}

/** One block of a section, as an output's file gets it. */
export interface SectionBlock {
  readonly render: (output: number) => Uint8Array;
  /** Files that begin later need it too: interfaces, names, secrets. Else it belongs where it stood. */
  readonly lasting: boolean;
  /** Index of the source interface that it describes, or has counts of. */
  readonly describes?: number;
  readonly counts?: number;
}

/** What an interface statistics block of our own says of time, nanoseconds since 1970. */
export interface CaptureTimes {
  readonly first: bigint | null;
  readonly last: bigint | null;
}

/** Follows the batches: what the current section consists of so far. */
export class PcapngSections {
  readonly #options: PcapngOptions;
  #blocks: SectionBlock[] = [];
  #bigEndian = false;
  /** The section is ours, not a copied one: link types of its interfaces, by index. */
  #linkTypes: number[] | null = null;
  #interfaces = 0;
  /** Counts sections. */
  #number = 0;

  constructor(options: PcapngOptions) {
    this.#options = options;
  }

  get blocks(): readonly SectionBlock[] {
    return this.#blocks;
  }

  get number(): number {
    return this.#number;
  }

  get bigEndian(): boolean {
    return this.#bigEndian;
  }

  /** Takes in what stands before the batch's packets. @param onSectionEnd called before another begins */
  begin(batch: Batch, onSectionEnd: () => void): void {
    const { preamble = [], format } = batch;
    if (format.blocks === undefined) {
      if (this.#linkTypes === null) this.#beginOwn(onSectionEnd);
      this.#addLinkType(format.linkType);
      return;
    }
    for (const bytes of preamble) this.#add(bytes, format.bigEndian, onSectionEnd);
  }

  /** Where nothing came that could begin one. */
  beginEmpty(linkType: number): void {
    if (this.#number > 0) return;
    this.#beginOwn(() => undefined);
    this.#addLinkType(linkType);
  }

  /** The interface of records that are encoded, in a section of ours. */
  interfaceOf(linkType: number): number {
    return this.#linkTypes?.indexOf(linkType) ?? -1;
  }

  /** Our statistics, one block for each interface; `null` for a copied section, which has its own. */
  statistics(packets: number | null, times: CaptureTimes): Uint8Array | null {
    if (this.#linkTypes === null) return null;
    const { startedAt, counters } = this.#options;
    const now = BigInt(Date.now()) * 1_000_000n;
    const start = startedAt === null ? times.first : BigInt(Math.floor(startedAt)) * 1_000_000n;
    const end = startedAt === null ? times.last : now;
    const { received, kernelDropped, interfaceDropped } = counters();
    return interfaceStatistics({
      interfaceId: 0,
      at: end ?? now,
      startTime: start,
      endTime: end,
      received,
      interfaceDropped,
      kernelDropped,
      delivered: packets,
    });
  }

  /** Every file has what need not stand at the front of later ones. */
  forgetPassing(): void {
    this.#blocks = this.#blocks.filter(({ lasting }) => lasting);
  }

  #start(bigEndian: boolean, onSectionEnd: () => void): void {
    if (this.#number > 0) onSectionEnd();
    this.#number++;
    this.#blocks = [];
    this.#bigEndian = bigEndian;
    this.#interfaces = 0;
    this.#linkTypes = null;
  }

  #beginOwn(onSectionEnd: () => void): void {
    this.#start(false, onSectionEnd);
    this.#linkTypes = [];
    const header = sectionHeader(this.#options.section);
    this.#blocks.push({ render: () => header, lasting: true });
  }

  #addLinkType(linkType: number): void {
    if (this.#linkTypes === null || this.#linkTypes.includes(linkType)) return;
    this.#linkTypes.push(linkType);
    const { interfaces, snaplen, source, os } = this.#options;
    this.#blocks.push({
      render: (output) =>
        interfaceDescription({
          linkType,
          snaplen,
          description: source,
          os,
          ...itemAt(interfaces, output),
        }),
      lasting: true,
      describes: this.#interfaces++,
    });
    if (this.#linkTypes.length === 1) this.#addNames();
  }

  #addNames(): void {
    const { names } = this.#options;
    const bigEndian = this.#bigEndian;
    this.#blocks.push({
      render: (output) => nameResolution(names(output), bigEndian) ?? new Uint8Array(0),
      lasting: true,
    });
  }

  #add(bytes: Uint8Array, bigEndian: boolean, onSectionEnd: () => void): void {
    const type = blockType(bytes, bigEndian);
    const { section, interfaces, shared = false } = this.#options;
    switch (type) {
      case blockTypes.sectionHeader: {
        this.#start(bigEndian, onSectionEnd);
        const header = sectionHeaderWith(bytes, section.comments ?? [], bigEndian);
        this.#blocks.push({ render: () => header, lasting: true });
        return;
      }
      case blockTypes.interfaceDescription: {
        this.#blocks.push({
          render: (output) =>
            interfaceNamed(bytes, itemAt(interfaces, output).name, shared, bigEndian),
          lasting: true,
          describes: this.#interfaces++,
        });
        if (this.#interfaces === 1) this.#addNames();
        return;
      }
      case blockTypes.nameResolution:
      case blockTypes.decryptionSecrets:
        this.#blocks.push({ render: () => bytes, lasting: true });
        return;
      case blockTypes.interfaceStatistics:
        this.#blocks.push({
          render: () => bytes,
          lasting: false,
          counts: statisticsInterface(bytes, bigEndian),
        });
        return;
      default:
        this.#blocks.push({ render: () => bytes, lasting: false });
    }
  }
}

/** Everything that a file needs which begins here. */
export function headOf(blocks: readonly SectionBlock[], output: number): Uint8Array {
  return concat(blocks.filter(({ lasting }) => lasting).map(({ render }) => render(output)));
}

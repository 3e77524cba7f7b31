/** pcapng files for each label: packets of pcap and live captures encoded, those of pcapng copied. */
import type { Cursors } from '../packet/cursors.js';
import type { Direction } from '../runs.js';
import type { LbcapError } from '../errors.js';
import { blockLayout } from '../formats/pcapng-layout.js';
import { longestBlock, PacketEncoder } from '../formats/pcapng-packet.js';
import { concat, longestStatistics } from '../formats/pcapng-write.js';
import type { Arena, Region } from '../packet/arena.js';
import { maximumCapturedLength, type Batch } from '../packet/batch.js';
import type { FileFormat } from './file-format.js';
import { LabelFiles, type LabelFilesOptions } from './label-files.js';
import type { Output, WrittenFile } from './output.js';
import { headOf, PcapngSections, type PcapngOptions } from './pcapng-sections.js';

/** Size of the region in the arena where blocks are built: the longest there is, or many short ones. */
export const encodingRegionSize = Math.max(512 * 1024, longestBlock(maximumCapturedLength));

export interface PcapngFilesOptions extends Omit<LabelFilesOptions, 'format'> {
  readonly pcapng: PcapngOptions;
  readonly encodingRegion: Region;
  /** The source is pcapng itself: what the files begin with comes with its first batch. */
  readonly copied: boolean;
}

/**
 * Beyond so many blocks that are no packets and need not stand at the front of later files, every file
 * gets its own at once, and they are forgotten.
 */
const mostPassing = 1024;

/** Up to so many files get at once what they need for the packets to come, so that others may append those. */
const mostCaughtUp = 256;

export class PcapngFiles implements Output, FileFormat {
  readonly extension = 'pcapng';
  readonly oneLinkType = false;
  readonly tailSize = longestStatistics;
  readonly #arena: Arena;
  readonly #region: Region;
  readonly #linkType: number;
  readonly #encoder: PacketEncoder;
  readonly #sections: PcapngSections;
  readonly #files: LabelFiles;
  /** Number of the section that the output's file is in, 0 for no file, and how many of its blocks it has. */
  readonly #section: Int32Array;
  readonly #has: Int32Array;
  /** Outputs whose files are in the current section. */
  readonly #within = new Set<number>();
  /** Any packet may be a file's last: files rotate. */
  readonly #mayEnd: boolean;
  #interfaceId = 0;
  #copies = false;
  #passing = 0;
  /** Blocks of the section that every file in it has. */
  #common = 0;
  /** Offsets are gone with their batch: times are what stays. */
  #first: bigint | null = null;
  #last: bigint | null = null;

  /** @throws as LabelFiles does */
  constructor(options: PcapngFilesOptions) {
    const outputs = options.names.length;
    this.#arena = options.arena;
    this.#region = options.encodingRegion;
    this.#linkType = options.linkType;
    this.#mayEnd = (options.rotation ?? null) !== null;
    this.#encoder = new PacketEncoder(options.arena);
    this.#sections = new PcapngSections(options.pcapng);
    this.#section = new Int32Array(outputs);
    this.#has = new Int32Array(outputs);
    if (!options.copied) this.#sections.beginEmpty(options.linkType);
    this.#files = new LabelFiles({ ...options, format: this });
  }

  get error(): LbcapError | null {
    return this.#files.error;
  }

  get unwanted(): boolean {
    return this.#files.unwanted;
  }

  begin(batch: Batch): void {
    this.#sections.begin(batch, () => {
      for (const output of this.#within) this.#catchUp(output);
      this.#within.clear();
    });
    this.#copies = batch.format.blocks !== undefined;
    if (!this.#copies) {
      this.#interfaceId = this.#sections.interfaceOf(batch.format.linkType);
      this.#encoder.begin(batch.format);
    }
    this.#files.begin(batch);
    this.#catchUpAll();
    this.#passing += batch.preamble?.length ?? 0;
    if (this.#passing > mostPassing) this.#forgetPassing();
  }

  append(output: number, start: number, end: number, packets: number, direction: Direction): void {
    const { number, blocks } = this.#sections;
    if (this.#section[output] !== number || this.#has[output] !== blocks.length) {
      this.#catchUp(output);
    }
    if (this.#copies) this.#files.append(output, start, end, packets);
    else this.#encode(output, start, end, direction);
  }

  /** Blocks are copied, and no file needs anything before them. */
  get cursors(): Cursors | null {
    const { number, blocks } = this.#sections;
    // Of the first section every file is, that is there.
    const isReady = this.#copies && number === 1 && this.#common === blocks.length;
    return isReady ? this.#files.cursors : null;
  }

  get listLong(): boolean {
    return this.#files.listLong;
  }

  get row(): number {
    return this.#files.row;
  }

  #catchUpAll(): void {
    const { length } = this.#sections.blocks;
    if (!this.#copies || this.#common === length || this.#within.size > mostCaughtUp) return;
    for (const output of this.#within) if (this.#has[output] !== length) this.#catchUp(output);
    this.#common = length;
  }

  #encode(output: number, start: number, end: number, direction: Direction): void {
    const encoder = this.#encoder;
    const from = this.#region.start;
    const limit = from + this.#region.size;
    let to = from;
    let packets = 0;
    let last = start;
    const append = () => {
      this.#files.append(output, from, to, packets);
      // Not before: that may have ended a file, which says when its last packet was.
      this.#last = encoder.timeOf(last);
      [to, packets] = [from, 0];
    };
    this.#first ??= encoder.timeOf(start);
    for (let record = start; record < end; record = encoder.recordEnd(record)) {
      const size = encoder.sizeOf(record, direction);
      if (packets > 0 && (to + size > limit || this.#mayEnd)) append();
      encoder.encode(record, direction, this.#interfaceId, this.#arena, to);
      to += size;
      packets++;
      last = record;
    }
    append();
  }

  flush(): void {
    this.#files.flush();
  }

  rotate(): void {
    this.#files.rotate();
  }

  writeWaiting(): boolean {
    return this.#files.writeWaiting();
  }

  settle(): null {
    return this.#files.settle();
  }

  get packets(): number {
    return this.#files.packets;
  }

  close(): Promise<WrittenFile[]> {
    this.#sections.beginEmpty(this.#linkType);
    return this.#files.close();
  }

  /** For LabelFiles, as a file begins. */
  head(output: number): Uint8Array | null {
    const { blocks, number } = this.#sections;
    if (number === 0) return null;
    this.#enter(output);
    return headOf(blocks, output);
  }

  /** For LabelFiles, as a file ends. */
  tail(output: number, packets: number): Uint8Array | null {
    const missing = this.#missing(output);
    this.#section[output] = 0;
    this.#within.delete(output);
    const times = { first: this.#first, last: this.#last };
    const statistics = this.#sections.statistics(packets, times);
    return statistics === null ? missing : concat([missing, statistics]);
  }

  /** Every block says its length, and that is where the next one begins. */
  recordEnd(at: number): number {
    const little = !(this.#copies && this.#sections.bigEndian);
    return at + this.#arena.view.getUint32(at + blockLayout.totalLength, little);
  }

  /** Gives the output's file what its packets need to be understood. */
  #catchUp(output: number): void {
    // A file that is not there yet begins with it.
    if (this.#section[output] === 0) return;
    const bytes = this.#missing(output);
    this.#enter(output);
    if (bytes.length > 0) this.#files.insert(output, bytes);
  }

  #missing(output: number): Uint8Array {
    const { blocks, number } = this.#sections;
    if (this.#section[output] !== number) return headOf(blocks, output);
    const missing = blocks.slice(this.#has[output]);
    return concat(missing.map(({ render }) => render(output)));
  }

  /** From now on the output's file has every block of the section. */
  #enter(output: number): void {
    this.#section[output] = this.#sections.number;
    this.#has[output] = this.#sections.blocks.length;
    this.#within.add(output);
  }

  #forgetPassing(): void {
    for (const output of this.#within) this.#catchUp(output);
    this.#sections.forgetPassing();
    for (const output of this.#within) this.#enter(output);
    this.#common = this.#sections.blocks.length;
    this.#passing = 0;
  }
}

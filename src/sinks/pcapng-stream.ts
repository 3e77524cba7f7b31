/** One pcapng of all labels to a descriptor, such as standard output: an interface for each label. */
import type { Direction } from '../runs.js';
import type { LbcapError } from '../errors.js';
import { blockLayout, enhancedPacketLayout } from '../formats/pcapng-layout.js';
import { PacketEncoder, type Memory } from '../formats/pcapng-packet.js';
import { statisticsOf } from '../formats/pcapng-rewrite.js';
import type { Arena } from '../packet/arena.js';
import type { Batch } from '../packet/batch.js';
import type { Output, WrittenFile } from './output.js';
import { PcapngSections, type PcapngOptions, type SectionBlock } from './pcapng-sections.js';
import type { StreamWriter } from './stream-writer.js';

/** Up to so many labels, each has its interface from the start; beyond, from its first packet. */
const describedAtStart = 256;

export interface PcapngStreamOptions {
  readonly arena: Arena;
  readonly writer: StreamWriter;
  readonly pcapng: PcapngOptions;
  /** Of the first batch. */
  readonly linkType: number;
  /** The source is pcapng itself: what the stream begins with comes with its first batch. */
  readonly copied: boolean;
}

export class PcapngStream implements Output {
  readonly #arena: Arena;
  readonly #writer: StreamWriter;
  readonly #options: PcapngStreamOptions;
  readonly #encoder: PacketEncoder;
  readonly #sections: PcapngSections;
  /** Blocks of the section that are in the stream. */
  #sent = 0;
  #section = 0;
  /** The stream's interfaces: by the source's, then by output. */
  #interfaces: Int32Array[] = [];
  #count = 0;
  #sourceInterface = 0;
  #copies = false;
  #bigEndian = false;
  #first: bigint | null = null;
  #last: bigint | null = null;
  #packets = 0;

  constructor(options: PcapngStreamOptions) {
    this.#options = options;
    this.#arena = options.arena;
    this.#writer = options.writer;
    this.#encoder = new PacketEncoder(options.arena);
    this.#sections = new PcapngSections({ ...options.pcapng, shared: true });
    if (!options.copied) {
      this.#sections.beginEmpty(options.linkType);
      this.#send();
    }
    // Its reader is to know the interfaces before the first packet.
    void this.#writer.flush();
  }

  get error(): LbcapError | null {
    return this.#writer.error;
  }

  get unwanted(): boolean {
    return this.#writer.unwanted;
  }

  begin(batch: Batch): void {
    this.#sections.begin(batch, () => {
      this.#send();
    });
    this.#copies = batch.format.blocks !== undefined;
    this.#bigEndian = batch.format.bigEndian;
    if (!this.#copies) {
      this.#sourceInterface = this.#sections.interfaceOf(batch.format.linkType);
      this.#encoder.begin(batch.format);
    }
    this.#send();
  }

  append(output: number, start: number, end: number, packets: number, direction: Direction): void {
    this.#packets += packets;
    if (this.#copies) this.#copy(output, start, end);
    else this.#encode(output, start, end, direction);
  }

  #encode(output: number, start: number, end: number, direction: Direction): void {
    const encoder = this.#encoder;
    const interfaceId = this.#interfaceOf(this.#sourceInterface, output);
    let last = start;
    for (let record = start; record < end; record = encoder.recordEnd(record)) {
      const size = encoder.sizeOf(record, direction);
      const at = this.#writer.reserve(size);
      encoder.encode(record, direction, interfaceId, this.#writer.memory, at);
      last = record;
    }
    this.#first ??= encoder.timeOf(start);
    this.#last = encoder.timeOf(last);
  }

  #copy(output: number, start: number, end: number): void {
    const { bytes, view } = this.#arena;
    const little = !this.#bigEndian;
    for (let block = start; block < end;) {
      const size = view.getUint32(block + blockLayout.totalLength, little);
      const source = view.getUint32(block + enhancedPacketLayout.interfaceId, little);
      const interfaceId = this.#interfaceOf(source, output);
      const at = this.#writer.reserve(size);
      const memory: Memory = this.#writer.memory;
      memory.bytes.set(bytes.subarray(block, block + size), at);
      memory.view.setUint32(at + enhancedPacketLayout.interfaceId, interfaceId, little);
      block += size;
    }
  }

  flush(): void {
    void this.#writer.flush();
  }

  rotate(): void {
    // A stream is one.
  }

  settle(): Promise<void> | null {
    return this.#writer.flush();
  }

  /** Of all outputs together, since a packet of two is in the stream once. */
  get packets(): number {
    return this.#packets;
  }

  async close(): Promise<WrittenFile[]> {
    this.#sections.beginEmpty(this.#options.linkType);
    this.#send();
    const times = { first: this.#first, last: this.#last };
    const statistics = this.#sections.statistics(null, times);
    if (statistics !== null && this.#count > 0 && !this.unwanted) this.#writer.write(statistics);
    await this.#writer.close();
    return [];
  }

  /** The blocks that came since. */
  #send(): void {
    const { blocks, number } = this.#sections;
    if (this.#section !== number) {
      this.#section = number;
      this.#sent = 0;
      this.#interfaces = [];
      this.#count = 0;
    }
    for (; this.#sent < blocks.length; this.#sent++) {
      const block = blocks[this.#sent];
      if (block.describes !== undefined) this.#describeAll(block.describes);
      else if (block.counts !== undefined) this.#sendCounts(block, block.counts);
      else this.#writer.write(block.render(0));
    }
    this.#sections.forgetPassing();
    this.#sent = this.#sections.blocks.length;
  }

  /** Counts of the source's interface stand at the first of those that it has become. */
  #sendCounts(block: SectionBlock, source: number): void {
    const first = this.#interfaces[source]?.find((id) => id >= 0);
    if (first === undefined) return;
    this.#writer.write(statisticsOf(block.render(0), first, this.#sections.bigEndian));
  }

  #describeAll(source: number): void {
    const outputs = this.#options.pcapng.interfaces.length;
    this.#interfaces[source] = new Int32Array(outputs).fill(-1);
    if (outputs > describedAtStart) return;
    for (let output = 0; output < outputs; output++) this.#interfaceOf(source, output);
  }

  /** Describes it to the reader where that was not done. */
  #interfaceOf(source: number, output: number): number {
    const known = this.#interfaces[source];
    if (known[output] >= 0) return known[output];
    const block = this.#sections.blocks.find(({ describes }) => describes === source);
    if (block !== undefined) this.#writer.write(block.render(output));
    return (known[output] = this.#count++);
  }
}

/** Capture files for each label: gathers runs of records in slots, and says where each file ends. */
import { join } from 'node:path';
import type { LbcapError } from '../errors.js';
import type { Arena, Region } from '../packet/arena.js';
import type { Batch } from '../packet/batch.js';
import { linkTypeName } from '../packet/link-layer.js';
import type { Compression } from './compression.js';
import type { FileFormat } from './file-format.js';
import { OpenFiles, OutputFile, removeOwn } from './open-files.js';
import type { Output, WrittenFile } from './output.js';
import { outputError } from './output-file.js';
import {
  existingRings,
  makeDirectory,
  refuseCaseTwins,
  refuseExisting,
  removeExisting,
} from './output-place.js';
import { numberedName, type Rotation } from './rotation.js';
import { Slots } from './slots.js';
import { SlotWriter } from './slot-writer.js';

/** Up to so many labels every one has a file from the start; beyond, from its first packet. */
const createdAtStart = 256;

export interface LabelFilesOptions {
  readonly arena: Arena;
  readonly slots: readonly Region[];
  readonly directory: string;
  /** File names without extension, in the order of the classifier's outputs. */
  readonly names: readonly string[];
  readonly format: FileFormat;
  /** Of the first batch: files of others have it in their names, where each needs its own. */
  readonly linkType: number;
  readonly force: boolean;
  /** As `SlotWriterOptions` has it. */
  readonly writeHere?: boolean;
  readonly compression?: Compression | null;
  readonly rotation?: Rotation | null;
  /** Told of each file that is complete before the end, and, when files rotate, of the last ones. */
  readonly onFinished?: (file: WrittenFile) => void;
}

/** `.pcap`, `.pcapng.zst`. */
export function fileEnding(
  format: Pick<FileFormat, 'extension'>,
  compression: Compression | null,
): string {
  return `.${format.extension}${compression === null ? '' : `.${compression.extension}`}`;
}

/** In the place of files that no record has asked for: no room, so that asking is noticed. */
const unmade = new OutputFile(-1, -1, '');

export class LabelFiles implements Output {
  readonly unwanted = false;
  readonly #bytes: Uint8Array;
  readonly #slots: Slots;
  readonly #open: OpenFiles;
  readonly #writer: SlotWriter;
  readonly #format: FileFormat;
  readonly #options: LabelFilesOptions;
  readonly #rotation: Rotation | null;
  readonly #compression: Compression | null;
  /** By id: a row of outputs for each link type. */
  readonly #files: OutputFile[] = [];
  /** How many files each id has had. */
  readonly #sequence: number[] = [];
  readonly #linkTypes: number[] = [];
  /** Where the row of the current batch's link type begins. */
  #row = 0;
  /** Files that are complete, the oldest first; of each id those that it keeps. */
  readonly #finished = new Map<number, (WrittenFile & { readonly inode: number })[]>();
  #finishedPackets = 0;
  /** Files may be there that wait for the first batch to know their heads. */
  #headless = true;

  /**
   * Creates the directory, and the files where there are few enough labels.
   * @throws OUTPUT_EXISTS, OUTPUT_IO: then nothing that it made is left behind
   */
  constructor(options: LabelFilesOptions) {
    const { arena, directory, names, force, compression = null, rotation = null } = options;
    this.#options = options;
    this.#bytes = arena.bytes;
    this.#format = options.format;
    this.#compression = compression;
    this.#rotation = rotation;
    this.#slots = new Slots(options.slots);
    this.#open = new OpenFiles(force, compression);
    this.#writer = new SlotWriter({
      arena,
      slots: this.#slots,
      open: this.#open,
      compression,
      atOnce: rotation !== null,
      writeHere: options.writeHere ?? false,
    });
    makeDirectory(directory);
    refuseCaseTwins(directory, names);
    this.#clear();
    this.#addRow(options.linkType);
    if (names.length <= createdAtStart) this.#createAll();
  }

  get error(): LbcapError | null {
    return this.#open.error;
  }

  begin(batch: Batch): void {
    if (this.#headless) {
      this.#headless = false;
      for (const file of this.#files) this.#writeHead(file);
    }
    if (!this.#format.oneLinkType || batch.format.linkType === this.#linkTypes[0]) {
      this.#row = 0;
      return;
    }
    const known = this.#linkTypes.indexOf(batch.format.linkType);
    const row = known < 0 ? this.#addRow(batch.format.linkType) : known;
    this.#row = row * this.#options.names.length;
  }

  append(output: number, start: number, end: number, packets: number): void {
    const file = this.#files[this.#row + output];
    const next = file.next + (end - start);
    if (next > file.limit) {
      this.#appendElsewhere(output, start, end, packets);
      return;
    }
    this.#bytes.copyWithin(file.next, start, end);
    file.next = next;
    file.used = true;
    file.packets += packets;
  }

  /**
   * Bytes that are no packets, from outside the arena: they follow what was appended, and do not make
   * a file larger than it may be.
   */
  insert(output: number, bytes: Uint8Array): void {
    const file = this.#made(output);
    this.#writer.finish(file);
    this.#writer.writeNow(file, bytes, 0, bytes.length);
  }

  /** The slot is full, or there is none, or a file is, or the records are longer than any slot. */
  #appendElsewhere(output: number, start: number, end: number, packets: number): void {
    const size = (this.#rotation?.size ?? Infinity) - this.#format.tailSize;
    let file = this.#made(output);
    while (start < end) {
      if (file.failed) return;
      const room = size - lengthOf(file);
      if (end - start <= room) {
        this.#put(file, start, end, packets, room);
        return;
      }
      const { cut, count } = this.#wholeRecords(start, end, room);
      if (count > 0) this.#put(file, start, cut, count, room);
      else if (file.packets === 0) {
        // Nothing has room for this one.
        const next = this.#format.recordEnd(start);
        this.#put(file, start, next, 1, next - start);
        [start, packets] = [next, packets - 1];
        continue;
      }
      [start, packets] = [cut, packets - count];
      this.#finish(file);
      file = this.#made(output);
    }
  }

  /** How many of the records have room, and where the last of them ends. */
  #wholeRecords(start: number, end: number, room: number): { cut: number; count: number } {
    let [cut, count] = [start, 0];
    while (cut < end) {
      const next = this.#format.recordEnd(cut);
      if (next - start > room) break;
      cut = next;
      count++;
    }
    return { cut, count };
  }

  /** @param room what the file may still take */
  #put(file: OutputFile, start: number, end: number, packets: number, room: number): void {
    const size = end - start;
    file.packets += packets;
    if (file.next + size > file.limit) {
      this.#writer.send(file);
      if (size > this.#slots.size) {
        this.#writer.writeNow(file, this.#bytes, start, end);
        return;
      }
      file.slot = this.#takeSlot(file.id);
      file.unwritten = file.next = this.#slots.start(file.slot);
      file.limit = file.next + Math.min(this.#slots.size, Math.max(room, size));
    }
    this.#bytes.copyWithin(file.next, start, end);
    file.next += size;
    file.used = true;
  }

  flush(): void {
    for (const file of this.#files) this.#writer.flush(file);
    this.#open.check();
  }

  /** Ends the files that have packets; the next ones begin with the next packet. */
  rotate(): void {
    for (const file of this.#files) if (file.packets > 0) this.#finish(file);
  }

  settle(): null {
    return null;
  }

  get packets(): number {
    let packets = this.#finishedPackets;
    for (const file of this.#files) {
      if (file.failed) return -1;
      packets += file.packets;
    }
    return packets;
  }

  async close(): Promise<WrittenFile[]> {
    this.flush();
    await this.#writer.settled();
    for (const file of this.#files) {
      // A head that was to depend on the first batch, of which there was none.
      if (file !== unmade) this.#writeHead(file);
      this.#writeTail(file);
    }
    this.#open.closeAll();
    const files: WrittenFile[] = [];
    for (const [id, file] of this.#files.entries()) {
      files.push(...(this.#finished.get(id) ?? []));
      if (file.inode === 0) continue;
      const written = writtenFile(file);
      files.push(written);
      if (this.#rotation !== null) this.#options.onFinished?.(written);
    }
    return files.sort((a, b) => a.output - b.output);
  }

  #addRow(linkType: number): number {
    const { names } = this.#options;
    names.forEach(() => {
      this.#files.push(unmade);
      this.#sequence.push(0);
    });
    return this.#linkTypes.push(linkType) - 1;
  }

  /** The file that an output's records of the current link type go to now. */
  #made(output: number): OutputFile {
    return this.#make(this.#row + output);
  }

  #make(id: number): OutputFile {
    if (this.#files[id] !== unmade) return this.#files[id];
    const output = id % this.#options.names.length;
    const file = new OutputFile(id, output, this.#nextPath(id));
    file.head = this.#head(file);
    this.#files[id] = file;
    const keep = this.#rotation?.keep ?? null;
    if (keep !== null) this.#removeOldest(id, keep);
    return file;
  }

  #nextPath(id: number): string {
    const { names, directory } = this.#options;
    const row = Math.floor(id / names.length);
    let name = names[id % names.length];
    if (row > 0) {
      const type = this.#linkTypes[row];
      const others = this.#linkTypes.map(linkTypeName);
      // Several numbers stand for raw IP.
      const isOnly = others.indexOf(linkTypeName(type)) === row;
      name = `${name}.${linkTypeName(type)}${isOnly ? '' : `-${type}`}`;
      while (names.includes(name)) name += '_';
    }
    if (this.#rotation !== null) name = numberedName(name, ++this.#sequence[id]);
    return join(directory, `${name}${fileEnding(this.#format, this.#compression)}`);
  }

  #head(file: OutputFile): Uint8Array | null {
    const row = Math.floor(file.id / this.#options.names.length);
    return this.#format.head(file.output, this.#linkTypes[row]);
  }

  #writeHead(file: OutputFile): void {
    if (file.inode === 0 || file.position > 0 || file.failed) return;
    file.head = this.#head(file);
    try {
      this.#open.writeHead(file);
    } catch (error) {
      this.#open.fail(file, 0, error);
    }
  }

  #writeTail(file: OutputFile): void {
    if (file.inode === 0 || file.failed) return;
    const tail = this.#format.tail(file.output, file.packets);
    if (tail !== null) this.#writer.writeNow(file, tail, 0, tail.length);
    this.#writer.end(file);
  }

  /** Completes a file for good; its output has none until the next record. */
  #finish(file: OutputFile): void {
    this.#writer.finish(file);
    this.#writeTail(file);
    this.#open.close(file);
    if (file.failed) return;
    const written = writtenFile(file);
    const finished = this.#finished.get(file.id) ?? [];
    this.#finished.set(file.id, finished);
    finished.push({ ...written, inode: file.inode });
    this.#finishedPackets += file.packets;
    this.#files[file.id] = unmade;
    this.#options.onFinished?.(written);
  }

  /** Before a file is made, so that there are never more than are to be kept. */
  #removeOldest(id: number, keep: number): void {
    const finished = this.#finished.get(id);
    while (finished !== undefined && finished.length >= keep) {
      const oldest = finished.shift();
      if (oldest === undefined) return;
      try {
        removeOwn(oldest.path, oldest.inode);
      } catch (error) {
        const file = this.#files[id];
        this.#open.fail(file, file.position, outputError(oldest.path, error));
        return;
      }
    }
  }

  /** What stands in the way. @throws OUTPUT_EXISTS, OUTPUT_IO */
  #clear(): void {
    const { directory, names, force } = this.#options;
    const ending = fileEnding(this.#format, this.#compression);
    const paths =
      this.#rotation === null
        ? names.map((name) => join(directory, `${name}${ending}`))
        : existingRings(directory, names, ending);
    if (!force) refuseExisting(directory, paths);
    // Files that are made at the start replace theirs themselves.
    else if (this.#rotation !== null || names.length > createdAtStart)
      removeExisting(directory, paths);
  }

  #createAll(): void {
    try {
      for (const id of this.#files.keys()) this.#open.create(this.#make(id));
    } catch (error) {
      for (const file of this.#files) this.#open.discard(file);
      throw error;
    }
  }

  #takeSlot(id: number): number {
    let slot = this.#slots.take(id);
    if (slot < 0) {
      this.#writer.evict(this.#files[this.#slots.victim((owner) => this.#secondChance(owner))]);
      slot = this.#slots.take(id);
    }
    return slot;
  }

  #secondChance(id: number): boolean {
    const file = this.#files[id];
    const { used } = file;
    file.used = false;
    return used;
  }
}

/** Bytes before compression, those in the slot and the head that is not written among them. */
function lengthOf(file: OutputFile): number {
  return file.length + (file.head?.length ?? 0) + file.next - file.unwritten;
}

function writtenFile(file: OutputFile): WrittenFile {
  return {
    output: file.output,
    path: file.path,
    size: Math.min(file.position, file.failedAt),
    packets: file.packets,
    complete: !file.failed,
  };
}

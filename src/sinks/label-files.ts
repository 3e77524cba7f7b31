/** Capture files for each label: takes runs of records, and says where each file begins and ends. */
import type { LbcapError } from '../errors.js';
import { Cursors, listedWidth } from '../packet/cursors.js';
import type { Arena, Region } from '../packet/arena.js';
import type { Batch } from '../packet/batch.js';
import type { Sequence } from '../sequence.js';
import type { Compression } from './compression.js';
import { FileEnds } from './file-ends.js';
import { type FileFormat, wholeRecords } from './file-format.js';
import { fileEnding, FileNames } from './file-names.js';
import { FinishedFiles, writtenFile } from './finished-files.js';
import { LongRuns } from './long-runs.js';
import { OpenFiles, OutputFile } from './open-files.js';
import type { Output, WrittenFile } from './output.js';
import { makeDirectory, refuseCaseTwins, refuseExisting, removeExisting } from './output-place.js';
import { Preallocation } from './preallocation.js';
import type { Rotation } from './rotation.js';
import { SlotFiller } from './slot-filler.js';
import { Slots } from './slots.js';
import { SlotWriter } from './slot-writer.js';
import { SlowDisk } from './slow-disk.js';

/** Up to so many labels every one has a file from the start; beyond, from its first packet. */
const createdAtStart = 256;

export interface LabelFilesOptions {
  readonly arena: Arena;
  readonly slots: readonly Region[];
  /** Of `Cursors.sizeOf` so many names, all zero: where a walk may append by itself. */
  readonly cursorRegion?: Region | undefined;
  readonly directory: string;
  /** File names without extension, in the order of the classifier's outputs. */
  readonly names: Sequence<string>;
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

/** In the place of files that no record has asked for: no room, so that asking is noticed. */
const unmade = new OutputFile(-1, -1, '', new Cursors(0));

export class LabelFiles implements Output {
  readonly unwanted = false;
  readonly #bytes: Uint8Array;
  readonly #options: LabelFilesOptions;
  readonly #format: FileFormat;
  readonly #rotation: Rotation | null;
  readonly #names: FileNames;
  readonly #open: OpenFiles;
  readonly #writer: SlotWriter;
  readonly #filler: SlotFiller;
  readonly #longRuns: LongRuns;
  readonly #disk = new SlowDisk();
  readonly #ends: FileEnds;
  /** By id, as `FileNames` has it. */
  readonly #files: OutputFile[] = [];
  readonly cursors: Cursors;
  readonly #listsLong: boolean;
  /** Those of them that are made: few, where there are thousands of labels. */
  readonly #made = new Set<OutputFile>();
  readonly #finished = new FinishedFiles();
  /** Where the row of the current batch's link type begins. */
  row = 0;
  /** Files may be there that wait for the first batch to know their heads. */
  #headless = true;

  /**
   * Creates the directory, and the files where there are few enough labels.
   * @throws OUTPUT_EXISTS, OUTPUT_IO: then nothing that it made is left behind
   */
  constructor(options: LabelFilesOptions) {
    const { arena, format, directory, names, compression = null, rotation = null } = options;
    this.#options = options;
    const { cursorRegion: region } = options;
    this.cursors = new Cursors(names.length, region === undefined ? region : { arena, region });
    this.#bytes = arena.bytes;
    this.#format = format;
    this.#rotation = rotation;
    this.#names = new FileNames({
      directory,
      names,
      ending: fileEnding(format.extension, compression?.extension ?? null),
      numbered: rotation !== null,
      linkType: options.linkType,
    });
    this.#listsLong = rotation === null && compression === null && options.writeHere !== true;
    const slots = new Slots(options.slots);
    this.#open = new OpenFiles(
      options.force,
      compression,
      new Preallocation(directory, this.#disk),
    );
    const disk = this.#disk;
    this.#longRuns = new LongRuns({ arena, slots, open: this.#open, disk });
    this.#writer = new SlotWriter({
      arena,
      slots,
      open: this.#open,
      longRuns: this.#longRuns,
      disk,
      compression,
      atOnce: rotation !== null,
      writeHere: options.writeHere ?? false,
    });
    this.#filler = new SlotFiller({
      arena,
      slots,
      writer: this.#writer,
      longRuns: this.#longRuns,
      files: this.#files,
    });
    this.#ends = new FileEnds(format, this.#names, this.#open, this.#writer);
    makeDirectory(directory);
    refuseCaseTwins(directory, names);
    this.#clear();
    this.#addPlaces();
    if (names.length <= createdAtStart) this.#createAll();
  }

  get error(): LbcapError | null {
    return this.#open.error;
  }

  /** Runs of long packets are written from where they lie, on this thread: where that does not wait for the disk. */
  get listLong(): boolean {
    return this.#listsLong && !this.#disk.isSlow(performance.now());
  }

  begin(batch: Batch): void {
    if (this.#headless) {
      this.#headless = false;
      for (const file of this.#made) this.#ends.writeHead(file);
    }
    if (!this.#format.oneLinkType) return;
    this.row = this.#names.rowOf(batch.format.linkType);
    this.#addPlaces();
  }

  append(output: number, start: number, end: number, packets: number): void {
    const { cursors } = this;
    const id = this.row + output;
    const at = cursors.next[id];
    const next = at + (end - start);
    // Not a number for a file whose cursor is elsewhere: no limit is as much.
    if (!(next <= cursors.limit[id])) {
      this.#appendElsewhere(id, start, end, packets);
      return;
    }
    this.#bytes.copyWithin(at, start, end);
    cursors.next[id] = next;
    cursors.used[id] = 1;
    cursors.packets[id] += packets;
  }

  /**
   * Bytes that are no packets, from outside the arena: they follow what was appended, and do not make
   * a file larger than it may be.
   */
  insert(output: number, bytes: Uint8Array): void {
    this.#takeListed();
    const file = this.#current(output);
    this.#writer.finish(file);
    this.#writer.writeNow(file, bytes, 0, bytes.length);
  }

  /** Takes what a walk has listed instead of appending it. */
  #takeListed(): void {
    const { list } = this.cursors;
    const end = 1 + list[0] * listedWidth;
    list[0] = 0;
    for (let at = 1; at < end; at += listedWidth) {
      const file = this.#make(list[at]);
      if (file.failed) continue;
      this.#longRuns.put(file, list[at + 1], list[at + 2], list[at + 3], list[at + 4]);
    }
  }

  /** The slot is full, or there is none, or a file is, or the records are longer than any slot. */
  #appendElsewhere(id: number, start: number, end: number, packets: number): void {
    this.#takeListed();
    const size = (this.#rotation?.size ?? Infinity) - this.#format.tailSize;
    let file = this.#make(id);
    while (start < end) {
      if (file.failed) return;
      const room = size - lengthOf(file);
      if (end - start <= room) {
        this.#filler.put(file, start, end, packets, room);
        return;
      }
      const { cut, count } = wholeRecords(this.#format, start, end, room);
      if (count > 0) this.#filler.put(file, start, cut, count, room);
      else if (file.packets === 0) {
        // Nothing has room for this one.
        const next = this.#format.recordEnd(start);
        this.#filler.put(file, start, next, 1, next - start);
        [start, packets] = [next, packets - 1];
        continue;
      }
      [start, packets] = [cut, packets - count];
      this.#finish(file);
      file = this.#make(id);
    }
  }

  flush(): void {
    this.#takeListed();
    for (const file of this.#made) this.#writer.flush(file);
    this.#open.check();
  }

  /** Ends the files that have packets; the next ones begin with the next packet. */
  rotate(): void {
    this.#takeListed();
    for (const file of this.#inOrder()) if (file.packets > 0) this.#finish(file);
  }

  writeWaiting(): boolean {
    return this.#writer.writeWaiting();
  }

  settle(): null {
    this.#takeListed();
    this.#longRuns.writeAll();
    return null;
  }

  get packets(): number {
    let { packets } = this.#finished;
    for (const file of this.#made) {
      if (file.failed) return -1;
      packets += file.packets;
    }
    return packets;
  }

  async close(): Promise<WrittenFile[]> {
    this.flush();
    await this.#writer.settled();
    for (const file of this.#inOrder()) {
      // A head that was to depend on the first batch, of which there was none.
      this.#ends.writeHead(file);
      this.#ends.writeTail(file);
    }
    this.#open.closeAll();
    const files: WrittenFile[] = [];
    const ids = new Set([...this.#finished.ids, ...Array.from(this.#made, ({ id }) => id)]);
    for (const id of [...ids].sort((a, b) => a - b)) {
      files.push(...this.#finished.of(id));
      const file = this.#files[id];
      if (file.inode === 0) continue;
      const written = writtenFile(file);
      files.push(written);
      if (this.#rotation !== null) this.#options.onFinished?.(written);
    }
    return files.sort((a, b) => a.output - b.output);
  }

  /** For every name there is. */
  #addPlaces(): void {
    const { length } = this.#files;
    if (length === this.#names.count) return;
    this.#files.length = this.#names.count;
    this.#files.fill(unmade, length);
  }

  #inOrder(): OutputFile[] {
    return [...this.#made].sort((a, b) => a.id - b.id);
  }

  /** The file that an output's records of the current link type go to now. */
  #current(output: number): OutputFile {
    return this.#make(this.row + output);
  }

  #make(id: number): OutputFile {
    if (this.#files[id] !== unmade) return this.#files[id];
    const file = new OutputFile(
      id,
      this.#names.outputOf(id),
      this.#names.nextPath(id),
      this.cursors,
    );
    this.#ends.setHead(file);
    this.#files[id] = file;
    this.#made.add(file);
    const keep = this.#rotation?.keep ?? null;
    if (keep === null) return file;
    try {
      // Before the file is made, so that there are never more than are to be kept.
      this.#finished.makeRoom(id, keep);
    } catch (error) {
      this.#open.fail(file, file.position, error);
    }
    return file;
  }

  /** Completes a file for good; its output has none until the next record. */
  #finish(file: OutputFile): void {
    this.#writer.finish(file);
    this.#ends.writeTail(file);
    this.#open.close(file);
    if (file.failed) return;
    this.#files[file.id] = unmade;
    this.#made.delete(file);
    this.#options.onFinished?.(this.#finished.add(file));
  }

  /** What stands in the way. @throws OUTPUT_EXISTS, OUTPUT_IO */
  #clear(): void {
    const { directory, names, force } = this.#options;
    const files = this.#names.claimed;
    if (!force) refuseExisting(directory, files);
    // Files that are made at the start replace theirs themselves.
    else if (this.#rotation !== null || names.length > createdAtStart)
      removeExisting(directory, files);
  }

  #createAll(): void {
    try {
      for (const id of this.#files.keys()) this.#open.create(this.#make(id));
    } catch (error) {
      for (const file of this.#made) this.#open.discard(file);
      throw error;
    }
  }
}

/** Bytes before compression, those in the slot and the head that is not written among them. */
function lengthOf(file: OutputFile): number {
  return file.length + (file.head?.length ?? 0) + file.next - file.unwritten;
}

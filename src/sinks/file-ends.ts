/** Gives the files of a sink what they begin and end with. */
import type { FileFormat } from './file-format.js';
import type { FileNames } from './file-names.js';
import type { OpenFiles, OutputFile } from './open-files.js';
import type { SlotWriter } from './slot-writer.js';

export class FileEnds {
  readonly #format: FileFormat;
  readonly #names: FileNames;
  readonly #open: OpenFiles;
  readonly #writer: SlotWriter;

  constructor(format: FileFormat, names: FileNames, open: OpenFiles, writer: SlotWriter) {
    this.#format = format;
    this.#names = names;
    this.#open = open;
    this.#writer = writer;
  }

  /** For when the file is made; it may not be known before the first batch. */
  setHead(file: OutputFile): void {
    file.head = this.#format.head(file.output, this.#names.linkTypeOf(file.id));
  }

  /** Writes the head to a file that was made before it was known. */
  writeHead(file: OutputFile): void {
    if (file.inode === 0 || file.position > 0 || file.failed) return;
    this.setHead(file);
    try {
      this.#open.writeHead(file);
    } catch (error) {
      this.#open.fail(file, 0, error);
    }
  }

  /** Everything else must be on its way. */
  writeTail(file: OutputFile): void {
    if (file.inode === 0 || file.failed) return;
    const tail = this.#format.tail(file.output, file.packets);
    if (tail !== null) this.#writer.writeNow(file, tail, 0, tail.length);
    this.#writer.end(file);
  }
}

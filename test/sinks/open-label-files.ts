/** A `LabelFiles` that is fed from the arena's start, and what it is fed with. */
import { concat, record, type Bytes } from '../../fixtures/frames.js';
import { createArena } from '../../src/packet/arena.js';
import { pcapFormat } from '../../src/sinks/file-format.js';
import { LabelFiles, type LabelFilesOptions } from '../../src/sinks/label-files.js';
import type { WrittenFile } from '../../src/sinks/output.js';
import { slotSizes } from '../../src/sinks/slots.js';

/** What every file begins with. */
export const header = new Uint8Array(24).fill(0x68);

export function someRecord(size: number, fill: number): Bytes {
  return record({ data: new Uint8Array(size).fill(fill) });
}

export interface OpenedFiles {
  readonly files: LabelFiles;
  /** What `onFinished` was told of. */
  readonly finished: readonly WrittenFile[];
  readonly append: (output: number, ...records: readonly Bytes[]) => void;
}

export function openLabelFiles(
  directory: string,
  names: readonly string[],
  more: Partial<LabelFilesOptions> = {},
): OpenedFiles {
  const { arena, regions } = createArena([1024 * 1024, ...slotSizes(Math.min(names.length, 8))]);
  const finished: WrittenFile[] = [];
  const files = new LabelFiles({
    arena,
    slots: regions.slice(1),
    directory,
    names,
    linkType: 1,
    format: pcapFormat(arena, { linkType: 1, bigEndian: false, nanoseconds: false }, 0, header),
    force: false,
    onFinished: (file) => finished.push(file),
    ...more,
  });
  return {
    files,
    finished,
    append: (output, ...records) => {
      const bytes = concat(...records);
      arena.bytes.set(bytes, 0);
      files.append(output, 0, bytes.length, records.length);
    },
  };
}

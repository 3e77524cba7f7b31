/** What the kinds of capture files have around their records. */
import { fileHeader } from '../formats/pcap.js';
import type { Arena } from '../packet/arena.js';
import { recordLayout, type BatchFormat } from '../packet/batch.js';

export interface FileFormat {
  /** File name extension, without the dot. */
  readonly extension: string;
  /** A file holds one link type only: others need files of their own. */
  readonly oneLinkType: boolean;
  /** What a new file of an output begins with; `null` before the first batch, where it depends on that. */
  head(output: number, linkType: number): Uint8Array | null;
  /** What a file ends with; called once for each `head`. `null` is nothing. */
  tail(output: number, packets: number): Uint8Array | null;
  /** Bytes to leave for the tail where a file may not be larger than some size. */
  readonly tailSize: number;
  /** End of the record that begins at this offset of the arena. */
  recordEnd(at: number): number;
}

/** How many of the records from `start` to `end` have room, and where the last of them ends. */
export function wholeRecords(
  format: FileFormat,
  start: number,
  end: number,
  room: number,
): { cut: number; count: number } {
  let [cut, count] = [start, 0];
  while (cut < end) {
    const next = format.recordEnd(cut);
    if (next - start > room) break;
    cut = next;
    count++;
  }
  return { cut, count };
}

/** @param firstHeader the header for files of the first link type, 24 bytes */
export function pcapFormat(
  { view }: Arena,
  format: BatchFormat,
  snaplen: number,
  firstHeader: Uint8Array,
): FileFormat {
  const little = !format.bigEndian;
  return {
    extension: 'pcap',
    oneLinkType: true,
    head: (_, linkType) =>
      linkType === format.linkType ? firstHeader : fileHeader({ ...format, linkType }, snaplen),
    tail: () => null,
    tailSize: 0,
    recordEnd: (at) =>
      at + recordLayout.size + view.getUint32(at + recordLayout.capturedLength, little),
  };
}

/** Reads a capture to its end through a source, for tests. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { concat, type Bytes } from '../../fixtures/frames.js';
import { LbcapError } from '../../src/errors.js';
import { createArena } from '../../src/packet/arena.js';
import { recordLayout, type BatchFormat } from '../../src/packet/batch.js';
import type { ByteInput } from '../../src/sources/byte-input.js';
import { StreamInput } from '../../src/sources/stream-input.js';
import { openCapture, type OpenOptions } from '../../src/sources/open.js';
import type { LeftOut } from '../../src/sources/source.js';
import { fileRegionSizes } from '../../src/sources/window.js';

export interface ReadPacket {
  readonly linkType: number;
  readonly seconds: number;
  readonly fraction: number;
  readonly original: number;
  readonly data: Bytes;
}

export interface Reading {
  readonly packets: ReadPacket[];
  readonly formats: BatchFormat[];
  /** Blocks that came with the batches, in order, where blocks were asked for. */
  readonly preamble: Bytes;
  /** Packets' own blocks, in order. */
  readonly blocks: Bytes;
  readonly leftOut: LeftOut | null;
  error: LbcapError | null;
}

/** One for all: what was read before lies around, and nobody may take it for input. */
const { arena, regions } = createArena(fileRegionSizes);

/** Never rejects for what lbcap foresees. One at a time. */
export async function readAll(input: ByteInput, options: OpenOptions = {}): Promise<Reading> {
  const { bytes, view } = arena;
  const packets: ReadPacket[] = [];
  const formats: BatchFormat[] = [];
  const preamble: Bytes[] = [];
  const blocks: Bytes[] = [];
  let leftOut: LeftOut | null = null;
  let error: LbcapError | null = null;
  try {
    const source = await openCapture(input, arena, regions, options);
    try {
      for (let batch = await source.next(); batch !== null; batch = await source.next()) {
        const { format, index } = batch;
        const little = !format.bigEndian;
        formats.push(format);
        preamble.push(...(batch.preamble ?? []));
        let at = batch.start;
        for (let n = 0; index === undefined ? at < batch.end : n < index.count; n++) {
          if (index !== undefined) at = index.starts[n];
          const captured = view.getUint32(at + recordLayout.capturedLength, little);
          const data = bytes.slice(at + recordLayout.size, at + recordLayout.size + captured);
          packets.push({
            linkType: format.linkType,
            seconds: view.getUint32(at, little),
            fraction: view.getUint32(at + recordLayout.fraction, little),
            original: view.getUint32(at + recordLayout.originalLength, little),
            data,
          });
          if (format.blocks !== undefined) {
            const start = at - 12;
            blocks.push(bytes.slice(start, start + view.getUint32(start + 4, little)));
          }
          at += recordLayout.size + captured;
        }
      }
    } catch (thrown) {
      error = foreseen(thrown);
    } finally {
      leftOut = source.leftOut ?? null;
      await source.close();
    }
  } catch (thrown) {
    error = foreseen(thrown);
  }
  return {
    packets,
    formats,
    preamble: concat(...preamble),
    blocks: concat(...blocks),
    leftOut,
    error,
  };
}

function foreseen(thrown: unknown): LbcapError {
  assert.ok(thrown instanceof LbcapError, String(thrown instanceof Error ? thrown.stack : thrown));
  assert.notEqual(thrown.code, 'INVARIANT');
  return thrown;
}

/** @param chunk bytes that come at once */
export function readBytes(
  bytes: Uint8Array,
  options: OpenOptions = {},
  chunk = 65_536,
): Promise<Reading> {
  const chunks = function* () {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.slice(at, at + chunk);
  };
  return readAll(new StreamInput('stream', Readable.from(chunks(), { objectMode: true })), options);
}

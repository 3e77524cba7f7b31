/** Reads a classic pcap file by a loop of its own: the scenarios do not trust lbcap's reader. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

export interface PcapRecord {
  readonly seconds: number;
  readonly microseconds: number;
  readonly originalLength: number;
  readonly data: Buffer;
}

/** The records of a classic pcap in little-endian microseconds, as all three programs write it here. */
export function readPcap(file: string): PcapRecord[] {
  const bytes = readFileSync(file);
  assert.equal(bytes.readUInt32LE(0), 0xa1b2c3d4, `${file} is no microsecond pcap`);
  assert.equal(bytes.readUInt32LE(20), 1, `${file}: link type`);
  const found: PcapRecord[] = [];
  let at = 24;
  while (at < bytes.length) {
    const length = bytes.readUInt32LE(at + 8);
    assert.ok(at + 16 + length <= bytes.length, `${file} is cut at ${at}`);
    found.push({
      seconds: bytes.readUInt32LE(at),
      microseconds: bytes.readUInt32LE(at + 4),
      originalLength: bytes.readUInt32LE(at + 12),
      data: bytes.subarray(at + 16, at + 16 + length),
    });
    at += 16 + length;
  }
  return found;
}

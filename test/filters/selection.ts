/** Which packets of a generated capture a filter selects: asked of tcpdump, of tshark, of lbcap. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ipv4Address, ipv6Address } from '../../fixtures/frames.js';
import type { RandomPacket } from '../../fixtures/random-packets.js';
import { Classifier } from '../../src/classify.js';
import type { Label } from '../../src/labels/label.js';
import { compileLookup } from '../../src/labels/lookup.js';
import { createArena } from '../../src/packet/arena.js';
import { recordLayout } from '../../src/packet/batch.js';
import { linkTypes } from '../../src/packet/link-layer.js';

const run = promisify(execFile);
const pcapHeaderSize = 24;
const maxBuffer = 256 * 1024 * 1024;

/** @param file written by `pcapFile`: the second of a packet's timestamp is its index */
export async function selectedByTcpdump(file: string, filter: string): Promise<number[]> {
  const { stdout } = await run('tcpdump', ['-r', file, '-w', '-', filter], {
    encoding: 'buffer',
    maxBuffer,
  });
  const view = new DataView(stdout.buffer, stdout.byteOffset, stdout.length);
  const indices: number[] = [];
  for (
    let offset = pcapHeaderSize;
    offset < stdout.length;
    offset += 16 + view.getUint32(offset + 8, true)
  ) {
    indices.push(view.getUint32(offset, true));
  }
  return indices;
}

/** @param options more arguments, such as `-o ip.defragment:FALSE` */
export async function selectedByTshark(
  file: string,
  filter: string,
  options: readonly string[] = [],
): Promise<number[]> {
  const words = ['-n', '-r', file, '-Y', filter, '-T', 'fields', '-e', 'frame.number'];
  const { stdout } = await run('tshark', [...options, ...words], { maxBuffer });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => Number(line) - 1);
}

/** By the compiled lookup, told the truth about each packet. */
export function selectedByLookup(
  packets: readonly RandomPacket[],
  labels: readonly Label[],
): number[] {
  const lookup = compileLookup(labels);
  const views = new Map<string, DataView>();
  const labelOf = (family: 4 | 6, address: string, port: number): number => {
    let view = views.get(address);
    if (view === undefined) {
      const bytes = family === 4 ? ipv4Address(address) : ipv6Address(address);
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      views.set(address, view);
    }
    return family === 4 ? lookup.v4(view.getInt32(0), port) : lookup.v6(view, 0, port);
  };
  return packets.flatMap(({ ends }, index) => {
    if (ends === null) return [];
    const source = labelOf(ends.family, ends.source, ends.sourcePort);
    const destination = labelOf(ends.family, ends.destination, ends.destinationPort);
    return source === -1 && destination === -1 ? [] : [index];
  });
}

/** By lbcap's own classifier, which has to find addresses and ports in the bytes. */
export function selectedByClassifier(file: Uint8Array, labels: readonly Label[]): number[] {
  const { arena } = createArena([file.length]);
  arena.bytes.set(file);
  const selected = new Set<number>();
  const classifier = new Classifier({
    arena,
    lookup: compileLookup(labels),
    labels: labels.length,
    keepOthers: false,
    maximumRun: 65_536,
  });
  const format = { linkType: linkTypes.ETHERNET, bigEndian: false, nanoseconds: false };
  classifier.classify(
    { format, start: pcapHeaderSize, end: file.length },
    {
      append(_output, start, end) {
        for (let offset = start; offset < end;) {
          selected.add(arena.view.getUint32(offset, true));
          offset +=
            recordLayout.size + arena.view.getUint32(offset + recordLayout.capturedLength, true);
        }
      },
    },
  );
  return [...selected].sort((a, b) => a - b);
}

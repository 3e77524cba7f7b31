import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { concat, ethernet, ipv4, ipv6, udp } from '../../fixtures/frames.js';
import { parseLabels } from '../../src/labels/parse.js';
import { compileLookup } from '../../src/labels/lookup.js';
import { LbcapError } from '../../src/errors.js';
import { parseLabelOption } from '../../src/labels/parse.js';
import { Classifier } from '../../src/classify.js';
import { plainWalkSize } from '../../src/plain-walk.js';
import { createArena } from '../../src/packet/arena.js';
import { IpHeader } from '../../src/packet/ip.js';
import { linkLayerOf } from '../../src/packet/link-layer.js';
import { fuzz } from './fuzz.js';

const linkTypes = Array.from({ length: 300 }, (_, type) => type).filter(
  (type) => linkLayerOf(type) !== undefined,
);
const v4 = ipv4('127.0.0.2', '127.0.0.1', udp(4000, 9092));
const v6 = ipv6('::1', '::1', udp(4000, 9092));

const packet = fc.oneof(
  fc.uint8Array({ maxLength: 120 }),
  // A header of anything before a packet, and one that is a frame but for some bytes.
  fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(v4, v6)).map(([a, b]) => concat(a, b)),
  fc
    .tuple(fc.nat(60), fc.nat(255), fc.constantFrom(0x0800, 0x86dd, 0x8847, 0x8864, 0x8100, 60))
    .map(([at, value, type]) => {
      const bytes = ethernet(type, v4);
      bytes[at % bytes.length] = value;
      return bytes;
    }),
);

describe('packets that nobody sent', () => {
  it('are never read beyond their ends', async () => {
    const ip = new IpHeader();
    await fuzz(
      'packets',
      1500,
      fc.asyncProperty(packet, (bytes) => {
        // The view ends where the packet does: one step further throws.
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        for (const type of linkTypes) {
          const found = linkLayerOf(type)?.findIp(view, 0, bytes.length) ?? -3;
          assert.ok(
            found >= -2 && found < Math.max(1, bytes.length),
            `link type ${type}: ${found}`,
          );
          if (found >= 0) ip.read(view, found, bytes.length);
        }
        return Promise.resolve();
      }),
    );
  });

  it('are each counted once', async () => {
    const labels = parseLabels(['a=127.0.0.2', 'b=[::1]:4000', 'c=127.0.1.0/28'], null);
    const lookup = compileLookup(labels);
    await fuzz(
      'counted',
      300,
      fc.asyncProperty(
        fc.array(packet, { maxLength: 20 }),
        fc.constantFrom(...linkTypes, 9999),
        (list, linkType) => {
          const { arena, regions } = createArena([1 << 16, plainWalkSize(labels.length, lookup)]);
          let at = 0;
          for (const data of list) {
            arena.view.setUint32(at + 8, data.length, true);
            arena.view.setUint32(at + 12, data.length, true);
            arena.bytes.set(data, at + 16);
            at += 16 + data.length;
          }
          const classifier = new Classifier({
            arena,
            region: regions[1],
            lookup,
            labels: labels.length,
            keepOthers: true,
            maximumRun: 4096,
          });
          const format = { linkType, bigEndian: false, nanoseconds: false };
          let handed = 0;
          classifier.classify(
            { format, start: 0, end: at },
            { append: (_output, start, end) => void (handed += end - start) },
          );
          classifier.assertConservation();
          assert.equal(classifier.packets, list.length);
          assert.ok(classifier.unclassified <= classifier.othersPackets);
          assert.ok(handed >= at, 'every byte goes to an output at least');
          return Promise.resolve();
        },
      ),
    );
  });
});

describe('labels that nobody meant', () => {
  it('are taken or refused with a code', async () => {
    const part = fc.constantFrom(
      'a',
      '=',
      '127.0.0.2',
      '/',
      '-',
      '[',
      ']',
      ':',
      '::1',
      ',',
      '%',
      ' ',
    );
    await fuzz(
      'labels',
      1500,
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => parts.join('')),
        ),
        (text) => {
          try {
            parseLabelOption(text);
          } catch (error) {
            assert.ok(error instanceof LbcapError, String(error));
            assert.match(error.code, /^LABEL_/);
          }
          return Promise.resolve();
        },
      ),
    );
  });
});

/** TCP health as Wireshark's analysis sees it: the outsider that flow tables are compared with. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface OutsideHealth {
  open: number;
  resets: number;
  /**
   * Flagged as a retransmission of any kind, or as out of order: Wireshark calls what comes again
   * within a round trip so, by a guess. Nothing overtakes on a loopback.
   */
  retransmissions: number;
}

const fields = [
  'tcp.stream',
  'tcp.flags.reset',
  'tcp.flags.fin',
  'tcp.srcport',
  'tcp.completeness',
  'tcp.analysis.retransmission',
  'tcp.analysis.fast_retransmission',
  'tcp.analysis.spurious_retransmission',
  'tcp.analysis.out_of_order',
];

/** Bits of tcp.completeness (Wireshark's User's Guide, "TCP Analysis"). */
const completeness = { synAck: 2, data: 8, reset: 32 };

/** Runs tshark on a capture file's bytes, on the packets that `filter` selects. */
export function tsharkHealth(file: Uint8Array, filter = 'tcp'): OutsideHealth {
  const directory = mkdtempSync(join(tmpdir(), 'lbcap-flows-'));
  try {
    const path = join(directory, 'flows.pcap');
    writeFileSync(path, file);
    const named = fields.flatMap((field) => ['-e', field]);
    // Two passes: in one, completeness says what was known before the packet.
    const out = execFileSync('tshark', ['-2', '-r', path, '-Y', filter, '-T', 'fields', ...named], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 1 << 28,
    });
    return summary(out.split('\n').filter((line) => line !== ''));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function summary(lines: readonly string[]): OutsideHealth {
  const health: OutsideHealth = { open: 0, resets: 0, retransmissions: 0 };
  const streams = new Map<string, { bits: number; fins: Set<string> }>();
  for (const line of lines) {
    const [stream, reset, fin, port, bits, ...analysis] = line.split('\t');
    const known = streams.get(stream) ?? { bits: 0, fins: new Set<string>() };
    streams.set(stream, known);
    known.bits |= Number(bits);
    if (fin === '1') known.fins.add(port);
    if (reset === '1') health.resets += 1;
    if (analysis.some((flag) => flag !== '')) health.retransmissions += 1;
  }
  for (const { bits, fins } of streams.values()) {
    const alive = (bits & (completeness.synAck | completeness.data)) !== 0;
    if (alive && (bits & completeness.reset) === 0 && fins.size < 2) health.open += 1;
  }
  return health;
}

/** A live capture through Wireshark's dumpcap: for users who may run it and may not capture themselves. */
import { networkInterfaces } from 'node:os';
import { LbcapError } from '../errors.js';
import type { Arena } from '../packet/arena.js';
import { convertRecords, type Batch, type BatchFormat } from '../packet/batch.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import { StreamInput } from './stream-input.js';
import { DumpcapProcess } from './dumpcap-process.js';
import { checkInterfaceName, dumpcapFailure, dumpcapWords, readCounts } from './dumpcap-words.js';
import type { LiveOptions } from './live.js';
import { openCapture } from './open.js';
import type { Source } from './source.js';

/**
 * Milliseconds for which the kernel may keep a packet from dumpcap: 250, its CAP_READ_TIMEOUT, and
 * the slack of a busy kernel's timer. dumpcap throws away what it has not been given when it is
 * interrupted, so a stop waits for so long (native-notes/dumpcap.md).
 */
const holdBack = 250 + 50;
/** In so many steps: of a time for which the whole machine stood still only one is gone, for dumpcap has to run, too. */
const holdBackSteps = 6;

/**
 * Starts capturing. `regions` are those of `openCapture`.
 *
 * Rejects with `ENGINE_MISSING` without dumpcap, `CAPTURE_PERMISSION` where one may not run it or it
 * may not capture, `ENGINE_LIMIT` where libpcap gives it no nanoseconds, and otherwise as libpcap does.
 */
export async function openDumpcap(options: LiveOptions): Promise<Source> {
  const { interface: name, arena, regions } = options;
  checkInterfaceName(name, interfaceNames());
  const dumpcap = await DumpcapProcess.start(dumpcapWords(options));
  let pcap: Source;
  try {
    // The file header, or of pcapng the interface's description, comes when the capture is open: from
    // then on no packet is missed.
    pcap = await openCapture(new StreamInput(name, dumpcap.stdout), arena, regions);
  } catch {
    dumpcap.interrupt();
    const end = await dumpcap.ended;
    throw dumpcapFailure(name, interfaceNames(), dumpcap.stderr, end);
  }
  const source = new DumpcapSource(dumpcap, pcap, options);
  if (options.nanoseconds && !pcap.format.nanoseconds) {
    await source.close();
    throw new LbcapError(
      'ENGINE_LIMIT',
      'dumpcap gives microseconds here',
      'leave out --nano, or use --engine libpcap',
    );
  }
  return source;
}

/** Those that are up: enough to choose from, and libpcap's own list needs libpcap. */
function interfaceNames(): string[] {
  return Object.keys(networkInterfaces());
}

class DumpcapSource implements Source {
  readonly name: string;
  readonly format: BatchFormat;
  readonly snaplen: number;
  readonly size = null;
  readonly countsAtEnd = true;
  readonly #dumpcap: DumpcapProcess;
  readonly #pcap: Source;
  readonly #arena: Arena;
  #counters = nothingKnown;
  #stopTimer: NodeJS.Timeout | null = null;
  #stopping = false;

  constructor(dumpcap: DumpcapProcess, pcap: Source, options: LiveOptions) {
    this.name = options.interface;
    this.snaplen = options.snaplen;
    this.format = {
      ...pcap.format,
      nanoseconds: options.nanoseconds && pcap.format.nanoseconds,
    };
    this.#dumpcap = dumpcap;
    this.#pcap = pcap;
    this.#arena = options.arena;
  }

  get position(): number {
    return this.#pcap.position;
  }

  async next(): Promise<Batch | null> {
    let batch: Batch | null = null;
    try {
      batch = await this.#pcap.next();
    } catch (error) {
      // A packet that is cut: dumpcap was killed while it wrote.
      if (!(error instanceof LbcapError && error.code === 'INPUT_DAMAGED')) throw error;
    }
    if (batch !== null) return convertRecords(this.#arena.view, batch, this.format);
    const end = await this.#dumpcap.ended;
    if (this.#stopping && end === 'status 0') return null;
    throw dumpcapFailure(this.name, interfaceNames(), this.#dumpcap.stderr, end);
  }

  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    let left = holdBackSteps;
    const wait = () => {
      if (left === 0) {
        this.#dumpcap.interrupt();
        return;
      }
      left--;
      this.#stopTimer = setTimeout(wait, holdBack / holdBackSteps);
    };
    wait();
  }

  /** Nothing is known before dumpcap has ended: it counts aloud only then. */
  counters(): SourceCounters {
    return this.#counters;
  }

  async close(): Promise<void> {
    this.#stopping = true;
    if (this.#stopTimer !== null) clearTimeout(this.#stopTimer);
    this.#dumpcap.interrupt();
    // Read to its end, for a dumpcap whose reader is gone dies without its counts.
    const rest = async () => (await this.#pcap.next().catch(() => null)) !== null;
    while (await rest());
    await this.#pcap.close();
    await this.#dumpcap.ended;
    this.#counters = readCounts(this.#dumpcap.stderr);
  }
}

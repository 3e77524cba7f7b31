/** What `lbcap watch` does. */
import { setFlagsFromString } from 'node:v8';
import { LbcapError } from '../../errors.js';
import { captureFilter } from '../../filters/capture.js';
import type { Label } from '../../labels/label.js';
import { loopbackInterface } from '../../loopback/interface.js';
import { checkFilter, libpcapVersion } from '../../native/libpcap.js';
import { terminalRoom } from '../../native/terminal-room.js';
import { compileLookup } from '../../labels/lookup.js';
import { createArenaOf, type Arena, type Region } from '../../packet/arena.js';
import { Cursors } from '../../packet/cursors.js';
import { linkTypes } from '../../packet/link-layer.js';
import { plainWalkSize } from '../../plain-walk.js';
import { dropPrivileges } from '../../privileges.js';
import type { Sequence } from '../../sequence.js';
import { fileRegionSizes } from '../../sources/window.js';
import type { Source } from '../../sources/source.js';
import {
  defaultBufferSize,
  liveRegionSizes,
  openLive,
  type LiveOptions,
} from '../../sources/live.js';
import { createLiveView } from '../../terminal/live.js';
import { dumpcapInstead } from '../dumpcap-instead.js';
import { refuseInputs } from '../inputs.js';
import { outputRegionSizes } from '../open-output.js';
import { refuseTerminal } from '../output-options.js';
import { claimedFiles, planOutput } from '../output-plan.js';
import { runCapture } from '../run-capture.js';
import type { Engine, WatchOptions } from '../watch-options.js';

/** Milliseconds: what was captured is flushed and shown as often. */
const longestPatience = 1000;

/** An open capture, and the first line about it. */
interface Opened {
  readonly source: Source;
  readonly opening: string;
  /** Which was taken, for `--json`. */
  readonly engine: Engine | 'file';
}

/** @returns the exit status */
export async function watch(labels: Sequence<Label>, options: WatchOptions): Promise<number> {
  const plan = options.write ? planOutput(labels, options.output) : null;
  if (options.read !== null && plan !== null) {
    refuseInputs([options.read], plan.directory, claimedFiles(plan));
  }
  if (plan !== null) refuseTerminal(plan.options, process.stdout);
  if (options.inputs === null && labels.length <= fewLabels) keepCollectorQuiet();
  const sizes = inputSizes(options);
  const lookup = compileLookup(labels);
  const { arena, regions } = createArenaOf({
    ...sizes,
    output: outputRegionSizes(plan, true),
    walk: [plainWalkSize(labels.length, lookup)],
    cursors: [Cursors.sizeOf(plan?.names.length ?? 0)],
  });
  const view = createLiveView({
    stream: process.stderr,
    env: process.env,
    takes: await terminalRoom(process.stderr),
  });
  const { source, opening, engine } = await open(labels, options, arena, regions, (text) => {
    view.notice(`lbcap: ${text}`);
  });
  // Only the capture needs root: the files are to be the user's.
  dropPrivileges(process.env);
  return runCapture({
    lookup,
    labels,
    source,
    engine,
    arena,
    regions: regions.output,
    walkRegion: regions.walk[0],
    cursorRegion: regions.cursors[0],
    plan,
    nanoseconds: options.output.nanoseconds,
    json: options.json,
    strict: options.strict,
    live: true,
    watchPorts: options.read === null,
    view: {
      ...view,
      update: (snapshot) => {
        view.update(snapshot());
      },
    },
    packetLimit: options.packets,
    byteLimit: options.bytes,
    duration: options.duration,
    filter: options.filter,
    opening,
  });
}

/** Of so few labels the heap is small: a few megabytes. */
const fewLabels = 1024;

/**
 * V8 takes an arena for a sign that memory runs short, and a quiet capture for a chance to give some back: it
 * then marks the whole heap, twice in the first ten seconds, a little at a time and with threads of its own. That
 * costs as much as five seconds of a bulk stream with --snaplen. A small heap is marked at once when it is full.
 */
function keepCollectorQuiet(): void {
  setFlagsFromString('--no-incremental-marking');
}

/** Where the input goes: it depends on who captures, which may not be known yet. */
interface Inputs<Of> {
  readonly libpcap: readonly Of[];
  /** For files, streams, dumpcap and cap. */
  readonly stream: readonly Of[];
}

function inputSizes({ inputs, engine, bufferSize }: WatchOptions): Inputs<number> {
  if (inputs !== null) return { libpcap: [], stream: inputs.regionSizes };
  const mayBeLibpcap = engine === 'libpcap' || engine === null;
  return {
    libpcap: mayBeLibpcap ? liveRegionSizes(bufferSize ?? defaultBufferSize) : [],
    stream: engine === 'libpcap' ? [] : fileRegionSizes,
  };
}

async function open(
  labels: Sequence<Label>,
  options: WatchOptions,
  arena: Arena,
  regions: Inputs<Region>,
  onNotice: (text: string) => void,
): Promise<Opened> {
  if (options.inputs !== null) {
    const source = await options.inputs.open(arena, regions.stream, {
      blocks: options.output.kind === 'pcapng' && options.write,
      nanoseconds: options.output.nanoseconds,
    });
    return { source, opening: `watching ${source.name}, Ctrl-C ends`, engine: 'file' };
  }
  const name = options.interface ?? loopbackInterface();
  const filter = captureFilter([...labels], options.filter, options.output.others);
  const capture = {
    interface: name,
    snaplen: options.snaplen,
    bufferSize: options.bufferSize ?? defaultBufferSize,
    filter,
    // Whoever waits for the last of so many packets should not wait for longer than they take to come.
    patience: options.packets === undefined && options.bytes === undefined ? longestPatience : 0,
    nanoseconds: options.output.nanoseconds,
    arena,
    regions: regions.stream,
    onNotice,
  };
  // Alone first: inside the parentheses of the labels' filter it could mean something else.
  if (options.filter !== null) await checkFilter(options.filter, linkTypes.ETHERNET);
  const byLibpcap = () => openByLibpcap({ ...capture, regions: regions.libpcap });
  switch (options.engine) {
    case 'cap':
      return openByCap(capture, options.strict);
    case 'dumpcap':
      return openByDumpcap(capture);
    case 'libpcap':
      return byLibpcap();
    case null:
      return openByEither(byLibpcap, capture);
  }
}

/** libpcap, and dumpcap where libpcap is refused and dumpcap is not. */
async function openByEither(
  byLibpcap: () => Promise<Opened>,
  capture: LiveOptions,
): Promise<Opened> {
  try {
    return await byLibpcap();
  } catch (refusal) {
    if (!(refusal instanceof LbcapError) || refusal.code !== 'CAPTURE_PERMISSION') throw refusal;
    try {
      const opened = await openByDumpcap(capture);
      capture.onNotice(dumpcapInstead);
      return opened;
    } catch {
      // Nobody asked for dumpcap: what is missing is the right to capture.
      throw refusal;
    }
  }
}

async function openByLibpcap(capture: LiveOptions): Promise<Opened> {
  const source = await openLive(capture);
  return { source, opening: opening(capture, await libpcapVersion()), engine: 'libpcap' };
}

async function openByDumpcap(capture: LiveOptions): Promise<Opened> {
  const { openDumpcap } = await import('../../sources/dumpcap.js');
  const source = await openDumpcap(capture);
  return { source, opening: opening(capture, 'dumpcap'), engine: 'dumpcap' };
}

async function openByCap(capture: LiveOptions, strict: boolean): Promise<Opened> {
  if (strict) {
    throw new LbcapError(
      'ENGINE_LIMIT',
      '--engine cap does not count lost packets',
      'leave out --strict, or use --engine libpcap',
    );
  }
  const { openCap } = await import('../../sources/cap.js');
  return { source: await openCap(capture), opening: opening(capture, 'cap'), engine: 'cap' };
}

function opening(capture: LiveOptions, by: string): string {
  return `watching ${capture.interface} (${by}), Ctrl-C ends`;
}

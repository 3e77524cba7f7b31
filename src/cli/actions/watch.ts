/** What `lbcap watch` does. */
import { LbcapError } from '../../errors.js';
import { captureFilter } from '../../filters/capture.js';
import type { Label } from '../../labels/label.js';
import { loopbackInterface } from '../../loopback/interface.js';
import { checkFilter, libpcapVersion } from '../../native/libpcap.js';
import { createArena, type Arena, type Region } from '../../packet/arena.js';
import { linkTypes } from '../../packet/link-layer.js';
import { dropPrivileges } from '../../privileges.js';
import { fileRegionSizes } from '../../sources/window.js';
import type { Source } from '../../sources/source.js';
import { defaultBufferSize, liveRegionSizes, openLive } from '../../sources/live.js';
import { createLiveView } from '../../terminal/live.js';
import { refuseInputs } from '../inputs.js';
import { outputRegionSizes } from '../open-output.js';
import { refuseTerminal } from '../output-options.js';
import { claimedPaths, planOutput } from '../output-plan.js';
import { runCapture } from '../run-capture.js';
import type { WatchOptions } from '../watch-options.js';

/** An open capture, and the first line about it. */
interface Opened {
  readonly source: Source;
  readonly opening: string;
}

/** @returns the exit status */
export async function watch(labels: readonly Label[], options: WatchOptions): Promise<number> {
  const plan = options.write ? planOutput(labels, options.output) : null;
  if (options.read !== null && plan !== null)
    refuseInputs([options.read], plan.directory, claimedPaths(plan));
  if (plan !== null) refuseTerminal(plan.options, process.stdout);
  const sizes =
    options.inputs?.regionSizes ??
    (options.engine === 'libpcap'
      ? liveRegionSizes(options.bufferSize ?? defaultBufferSize)
      : fileRegionSizes);
  const { arena, regions } = createArena([...sizes, ...outputRegionSizes(plan, true)]);
  const input = regions.slice(0, sizes.length);
  const view = createLiveView({ stream: process.stderr, env: process.env });
  const { source, opening } = await open(labels, options, arena, input, (text) => {
    view.notice(`lbcap: ${text}`);
  });
  // Only the capture needs root: the files are to be the user's.
  dropPrivileges(process.env);
  return runCapture({
    labels,
    source,
    engine: options.read === null ? options.engine : 'file',
    arena,
    regions: regions.slice(sizes.length),
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

async function open(
  labels: readonly Label[],
  options: WatchOptions,
  arena: Arena,
  regions: readonly Region[],
  onNotice: (text: string) => void,
): Promise<Opened> {
  if (options.inputs !== null) {
    const source = await options.inputs.open(arena, regions, {
      blocks: options.output.kind === 'pcapng' && options.write,
      nanoseconds: options.output.nanoseconds,
    });
    return { source, opening: `watching ${source.name}, Ctrl-C ends` };
  }
  const name = options.interface ?? loopbackInterface();
  const filter = captureFilter(labels, options.filter, options.output.others);
  const capture = {
    interface: name,
    snaplen: options.snaplen,
    bufferSize: options.bufferSize ?? defaultBufferSize,
    filter,
    nanoseconds: options.output.nanoseconds,
    arena,
    regions,
    onNotice,
  };
  // Alone first: inside the parentheses of the labels' filter it could mean something else.
  if (options.filter !== null) await checkFilter(options.filter, linkTypes.ETHERNET);
  if (options.engine === 'cap') {
    if (options.strict) {
      throw new LbcapError(
        'ENGINE_LIMIT',
        '--engine cap does not count lost packets',
        'leave out --strict, or use --engine libpcap',
      );
    }
    const { openCap } = await import('../../sources/cap.js');
    return { source: await openCap(capture), opening: `watching ${name} (cap), Ctrl-C ends` };
  }
  const source = await openLive(capture);
  return { source, opening: `watching ${name} (${await libpcapVersion()}), Ctrl-C ends` };
}

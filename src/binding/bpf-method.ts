/** Method bpf: programs on a cgroup of the run's own. */
import { closeSync } from 'node:fs';
import { isSystemError, LbcapError, messageOf } from '../errors.js';
import { createLink, createMap, loadProgram, readMap } from '../native/bpf.js';
import { errnoName } from '../native/errno.js';
import type { FreshCgroup } from '../native/fresh-cgroup.js';
import type { Kernel } from '../native/kernel.js';
import { accountSize, blockWords, blocks, extra, word, type Block } from './account-layout.js';
import type { Account, AddressCount, Tally } from './account.js';
import { encode } from './asm.js';
import { portsSize } from './fragments.js';
import { type Features, type Ipv6Mode, type Plan } from './plan.js';
import { programsOf } from './programs.js';
import { addressTexts, countOf, type Sources } from './sources.js';

export interface BindingRequest {
  readonly sources: Sources;
  readonly ipv6: Ipv6Mode;
  readonly server: boolean;
  readonly rebind: boolean;
}

/** Programs that are loaded. They work, once linked, as long as this process lives or `close`. */
export interface BpfBinding {
  /** @throws SystemCallError */
  link(cgroup: FreshCgroup): void;
  account(): Account;
  close(): void;
}

/** Newest first: what an old kernel lacks costs one ability each. */
const featureSets: readonly Features[] = [
  { ipv6Only: 'asked', setRetval: true, lowPorts: true },
  { ipv6Only: 'guessed', setRetval: true, lowPorts: true },
  { ipv6Only: 'unknown', setRetval: true, lowPorts: true },
  { ipv6Only: 'asked', setRetval: false, lowPorts: true },
  { ipv6Only: 'unknown', setRetval: false, lowPorts: true },
  { ipv6Only: 'unknown', setRetval: false, lowPorts: false },
];

/** @throws SystemCallError, for `explain` */
export function loadPrograms(kernel: Kernel, request: BindingRequest): BpfBinding {
  const open: number[] = [];
  const close = () => {
    for (const descriptor of open.splice(0)) closeSync(descriptor);
  };
  const keep = (descriptor: number) => {
    open.push(descriptor);
    return descriptor;
  };
  const { sources, server } = request;
  const sizes = [countOf(sources.ipv4), countOf(sources.ipv6)];
  const addressSize = 8 * 2 * Math.max(1, sizes[0] + sizes[1]);
  const pooled = sizes.some((size) => size > 1);
  try {
    const account = keep(createMap(kernel, 'lbcap_account', accountSize));
    const addresses = pooled ? keep(createMap(kernel, 'lbcap_addresses', addressSize)) : -1;
    const ports = server ? keep(createMap(kernel, 'lbcap_ports', portsSize)) : -1;
    const programs = loadAll(kernel, { ...request, maps: { account, addresses, ports } });
    for (const [, program] of programs) keep(program);
    return {
      link: (cgroup) => {
        for (const [hook, program] of programs) keep(createLink(kernel, program, cgroup, hook));
      },
      account: () =>
        accountOf(
          readMap(kernel, account, accountSize),
          pooled ? readMap(kernel, addresses, addressSize) : null,
          sources,
        ),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function loadAll(kernel: Kernel, plan: Omit<Plan, 'features'>) {
  let failure: unknown;
  for (const features of featureSets) {
    const loaded: [Parameters<typeof loadProgram>[1], number][] = [];
    try {
      for (const { hook, lines } of programsOf({ ...plan, features })) {
        loaded.push([hook, loadProgram(kernel, hook, encode(lines))]);
      }
      return loaded;
    } catch (error) {
      for (const [, program] of loaded) closeSync(program);
      failure ??= error;
      if (!isSystemError(error, 'EINVAL', 'EACCES')) break;
    }
  }
  throw failure;
}

/** A failure in words for people. */
export function explain(error: unknown): unknown {
  if (isSystemError(error, 'EPERM')) {
    return new LbcapError(
      'RUN_PERMISSION',
      `BPF programs cannot be loaded (${messageOf(error)})`,
      'run it with sudo, or use --method seccomp, which needs no rights',
      { cause: error },
    );
  }
  if (isSystemError(error, 'EINVAL', 'EACCES', 'ENOSYS', 'E2BIG')) {
    const log = error.cause instanceof Error ? error.cause.message.trim().split('\n').pop() : '';
    return new LbcapError(
      'PLATFORM_UNSUPPORTED',
      `this kernel refuses the BPF programs (${messageOf(error)}${log ? `; ${log}` : ''})`,
      'it takes Linux 5.7, and 5.12 for --pool; or use --method seccomp',
      { cause: error },
    );
  }
  return error;
}

/** The kernel's words as an account. */
export function accountOf(
  words: BigUint64Array,
  perAddress: BigUint64Array | null,
  sources: Sources,
): Account {
  return {
    streams: tallyOf(words, 'stream'),
    datagrams: tallyOf(words, 'datagram'),
    messages: tallyOf(words, 'message'),
    listens: Number(words[blocks.bind * blockWords + word.done]),
    rebound: Number(words[extra.rebound]),
    ledTo4: Number(words[extra.to4]),
    refused6: Number(words[extra.refused]),
    listensRefused6: Number(words[extra.listenRefused]),
    listensAside6: Number(words[extra.listenAside]),
    addresses: perAddress === null ? [] : addressCounts(perAddress, sources),
  };
}

function tallyOf(words: BigUint64Array, block: Block): Tally {
  const base = blocks[block] * blockWords;
  const failed: Record<string, number> = {};
  for (let errno = 1; errno <= word.otherErrno; errno += 1) {
    const count = Number(words[base + errno]);
    if (count > 0) failed[errno === word.otherErrno ? 'other' : errnoName(errno)] = count;
  }
  return {
    labelled: Number(words[base + word.done]),
    failed,
    kept: Number(words[base + word.kept]),
  };
}

function addressCounts(words: BigUint64Array, { ipv4, ipv6 }: Sources): AddressCount[] {
  const texts = [...addressTexts(ipv4), ...addressTexts(ipv6)];
  const total = texts.length;
  return texts.map((address, index) => ({
    address,
    streams: Number(words[index]),
    datagrams: Number(words[total + index]),
  }));
}

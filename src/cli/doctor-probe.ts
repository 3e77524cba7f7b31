/** Finds out about this machine what `lbcap doctor` tells. Nothing here changes it. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { parseCgroupMount } from '../binding/proc.js';
import { LbcapError, messageOf } from '../errors.js';
import type { Label } from '../labels/label.js';
import { loopbackAddresses } from '../loopback/addresses.js';
import { checkBinds } from '../loopback/bind-check.js';
import type { DumpcapState, Facts } from '../loopback/facts.js';
import { platform } from '../loopback/platform.js';
import { findProgram } from '../loopback/programs.js';
import {
  groupOf,
  installedExtcap,
  parseCapabilities,
  parsePortRange,
  readQuietly,
  runningProxies,
} from '../loopback/system-facts.js';
import { installCommand } from '../native/install-command.js';
import { openKernel } from '../native/kernel.js';
import { captureInterfaces, libpcapVersion, openCapture } from '../native/libpcap.js';
import { probeBpf, probeSeccomp } from '../native/run-probes.js';
import { complaintIn } from '../sources/dumpcap-words.js';

/** @param name the interface to capture on */
export async function probe(labels: readonly Label[], name: string): Promise<Facts> {
  const here = platform();
  const linux = here === 'linux';
  const root = process.geteuid?.() === 0;
  const libpcap = await probeLibpcap();
  const captureRefusal = 'version' in libpcap ? await probeCapture(name) : libpcap.problem;
  const found = await probeInterface(name);
  const [dumpcap, wireshark, binds, kernel, ports, files] = await Promise.all([
    probeDumpcap(name, found.up && captureRefusal !== null),
    probeWireshark(),
    checkBinds(labels),
    linux ? probeKernel() : { bpf: 'not Linux', seccomp: 'not Linux' },
    linux
      ? parsePortRange(readQuietly('/proc/sys/net/ipv4/ip_local_port_range'))
      : output('sysctl', ['-n', 'net.inet.ip.portrange.first', 'net.inet.ip.portrange.last']).then(
          ({ stdout }) => parsePortRange(stdout),
        ),
    output('sh', ['-c', 'ulimit -Hn']).then(({ stdout }) => limitOf(stdout.trim())),
  ]);
  return {
    platform: here,
    root,
    libpcap,
    captureRefusal,
    dumpcap,
    nodeCapabilities: root ? [] : parseCapabilities(readQuietly('/proc/self/status')),
    bpfDevice: here === 'darwin' ? isReadable('/dev/bpf0') : null,
    interface: found,
    binds,
    ipv6: loopbackAddresses().some(({ family, value }) => family === 6 && value === 1n),
    cgroup2: linux ? parseCgroupMount(readQuietly('/proc/self/mounts')) : null,
    bpfRefusal: kernel.bpf,
    seccompRefusal: kernel.seccomp,
    wireshark,
    extcap: installedExtcap(),
    ports,
    files,
    proxies: linux ? runningProxies() : [],
  };
}

async function probeLibpcap(): Promise<Facts['libpcap']> {
  try {
    return { version: await libpcapVersion() };
  } catch (error) {
    const override = process.env['LBCAP_LIBPCAP'] ?? '';
    if (error instanceof LbcapError && error.code === 'LIBPCAP_MISSING') {
      return override === ''
        ? { problem: 'not installed', command: installCommand('libpcap') }
        : {
            problem: `LBCAP_LIBPCAP names ${override}, which cannot be loaded`,
            command: 'unset LBCAP_LIBPCAP',
          };
    }
    return { problem: messageOf(error), command: 'npm install koffi' };
  }
}

/** By opening one: nothing else takes the system's every rule into account. @returns why not */
async function probeCapture(name: string): Promise<string | null> {
  try {
    const capture = await openCapture({
      interface: name,
      snaplen: 64,
      bufferSize: 256 * 1024,
      filter: null,
      nanoseconds: false,
      timeout: 50,
      onNotice: () => undefined,
    });
    capture.close();
    return null;
  } catch (error) {
    const words = messageOf(error);
    // Without the advice behind it, which the findings give in their own way.
    return /\(([^()]*(?:\([^()]*\))?[^()]*)\):/.exec(words)?.[1] ?? words;
  }
}

/** @param asked whether it matters that it may capture: finding out takes a while */
async function probeDumpcap(name: string, asked: boolean): Promise<DumpcapState> {
  const found = findProgram('dumpcap', process.env);
  if (found === null) return { state: 'absent' };
  if (!found.executable) return { state: 'forbidden', group: groupOf(found.path) };
  if (!asked) return { state: 'there' };
  // Prints the filter's code, for which it opens the interface, and ends; with 0 in any case.
  const { stdout, stderr } = await output(found.path, ['-d', '-i', name, '-f', 'ip']);
  return /^\(000\)/m.test(stdout)
    ? { state: 'works' }
    : { state: 'refused', words: complaintIn(stderr) ?? 'it did not say why' };
}

async function probeWireshark(): Promise<Facts['wireshark']> {
  const may = (name: string) => findProgram(name, process.env)?.executable === true;
  // The quickest of them: it takes 6 ms, tshark 250.
  const teller = ['dumpcap', 'tshark'].find(may);
  const path = teller === undefined ? undefined : findProgram(teller, process.env)?.path;
  const said = path === undefined ? '' : (await output(path, ['--version'])).stdout;
  return {
    wireshark: may('wireshark'),
    tshark: may('tshark'),
    version: /\b\d+\.\d+\.\d+\b/.exec(said)?.[0] ?? null,
    installCommand: installCommand('wireshark'),
  };
}

async function probeKernel(): Promise<{ bpf: string | null; seccomp: string | null }> {
  try {
    const kernel = await openKernel();
    return { bpf: probeBpf(kernel), seccomp: probeSeccomp(kernel) };
  } catch (error) {
    const why = messageOf(error);
    return { bpf: why, seccomp: why };
  }
}

/** libpcap also knows those that are down and `any`; Node only those that are up. */
async function probeInterface(name: string): Promise<Facts['interface']> {
  const up = Object.hasOwn(networkInterfaces(), name) || name === 'any';
  const known = up ? [] : await captureInterfaces().catch(() => []);
  return { name, exists: up || known.some((found) => found.name === name), up };
}

function limitOf(text: string): number | null {
  if (text === 'unlimited') return Infinity;
  return /^\d+$/.test(text) ? Number(text) : null;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Never rejects: a program that is missing says nothing. */
function output(program: string, words: readonly string[]): Promise<Output> {
  return new Promise((resolve) => {
    execFile(program, words, { encoding: 'utf8', timeout: 5000 }, (_, stdout, stderr) => {
      resolve({ stdout, stderr });
    });
  });
}

/** What files of this system say about it. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ProxyFact } from './facts.js';

/** From /proc/sys/net/ipv4/ip_local_port_range, or what sysctl(8) of a BSD prints. */
export function parsePortRange(text: string): { first: number; last: number } | null {
  const numbers = /^\s*(\d{1,5})\s+(\d{1,5})\s*$/.exec(text);
  if (numbers === null) return null;
  const [first, last] = [Number(numbers[1]), Number(numbers[2])];
  return first <= last && last <= 65_535 ? { first, last } : null;
}

/** Bits of capabilities(7) that let a process see others' packets or change the network. */
const capabilityBits = { cap_net_admin: 12n, cap_net_raw: 13n } as const;

/** From the text of /proc/self/status. */
export function parseCapabilities(status: string): string[] {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return Object.entries(capabilityBits)
    .filter(([, bit]) => ((mask >> bit) & 1n) === 1n)
    .map(([name]) => name);
}

/** From the words of a process: `docker-proxy -proto tcp -host-ip 127.0.0.1 -host-port 9092 …`. */
export function parseProxy(words: readonly string[]): ProxyFact | null {
  if (!/(?:^|\/)docker-proxy$/.test(words[0] ?? '')) return null;
  const valueOf = (name: string) => words[words.indexOf(name) + 1];
  const host = words.includes('-host-ip') ? valueOf('-host-ip') : undefined;
  const port = words.includes('-host-port') ? Number(valueOf('-host-port')) : NaN;
  return host === undefined || !Number.isInteger(port) ? null : { host, port };
}

/** Those of processes that may be seen, each port once. */
export function runningProxies(): ProxyFact[] {
  const found = new Map<string, ProxyFact>();
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const proxy = parseProxy(readQuietly(`/proc/${pid}/cmdline`).split('\0'));
    if (proxy !== null) found.set(`${proxy.host} ${proxy.port}`, proxy);
  }
  return [...found.values()];
}

/** The group of a file by its name in /etc/group; `null` where it has none there. */
export function groupOf(path: string): string | null {
  const { gid } = statSync(path);
  for (const line of readQuietly('/etc/group').split('\n')) {
    const [name, , id] = line.split(':');
    if (id === String(gid)) return name;
  }
  return null;
}

/** Where Wireshark looks for programs that capture: up to 4.0, and from 4.2 on. */
export function installedExtcap(): string | null {
  const home = homedir();
  for (const folder of [
    join(home, '.config', 'wireshark', 'extcap'),
    join(home, '.local', 'lib', 'wireshark', 'extcap'),
  ]) {
    try {
      const name = readdirSync(folder).find((entry) => /^lbcap\b/.test(entry));
      if (name !== undefined) return join(folder, name);
    } catch {
      // Wireshark makes it with the first program that is put there.
    }
  }
  return null;
}

/** '' for what is not there or may not be read. */
export function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

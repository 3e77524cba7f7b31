/** Reads this system's settings about ephemeral ports; one way for each operating system. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { isSystemError } from '../errors.js';
import { platform } from './platform.js';
import { dynamicPorts, parsePortList, parsePortRange, type EphemeralPorts } from './port-range.js';

const linuxSettings = '/proc/sys/net/ipv4';

/** @throws LbcapError `INPUT_FORMAT` */
export function readEphemeralPorts(): EphemeralPorts {
  const assumed = { range: dynamicPorts, origin: 'RFC 6335', reserved: [] };
  switch (platform()) {
    case 'linux': {
      const text = readSetting('ip_local_port_range');
      if (text === null) return assumed;
      return {
        range: parsePortRange(text),
        origin: 'net.ipv4.ip_local_port_range',
        reserved: parsePortList(readSetting('ip_local_reserved_ports') ?? ''),
      };
    }
    // ip(4) of FreeBSD; macOS has the same names.
    case 'darwin':
    case 'freebsd': {
      const names = ['net.inet.ip.portrange.first', 'net.inet.ip.portrange.last'];
      const text = sysctl(names);
      if (text === null) return assumed;
      return { range: parsePortRange(text), origin: 'net.inet.ip.portrange', reserved: [] };
    }
    default:
      return assumed;
  }
}

/** When a port in TIME_WAIT may be taken for a new connection to the same server. */
export interface TimeWaitReuse {
  /** net.ipv4.tcp_tw_reuse: 0 never, 1 always, 2 on the loopback. */
  readonly mode: number;
  /** Milliseconds that it must have waited (net.ipv4.tcp_tw_reuse_delay, 6.14; before: a second). */
  readonly delay: number;
}

export function readTimeWaitReuse(): TimeWaitReuse {
  const number = (name: string, otherwise: number) => {
    const text = readSetting(name)?.trim() ?? '';
    return /^[0-9]{1,9}$/.test(text) ? Number(text) : otherwise;
  };
  // Timestamps (RFC 7323) are what tells old segments from new ones.
  const mode = number('tcp_timestamps', 1) === 0 ? 0 : number('tcp_tw_reuse', 0);
  return { mode, delay: number('tcp_tw_reuse_delay', 1000) };
}

/** `null` where this kernel, or this container, has no such setting. */
function readSetting(name: string): string | null {
  try {
    return readFileSync(`${linuxSettings}/${name}`, 'latin1');
  } catch (error) {
    if (isSystemError(error)) return null;
    throw error;
  }
}

function sysctl(names: readonly string[]): string | null {
  try {
    return execFileSync('sysctl', ['-n', ...names], { encoding: 'latin1', stdio: 'pipe' });
  } catch (error) {
    if (error instanceof Error) return null;
    throw error;
  }
}

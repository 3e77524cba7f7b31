/** What dumpcap is told, and what its words mean: dumpcap(1). Pure. */
import { LbcapError } from '../errors.js';
import { permissionMissing, unknownInterface } from '../native/refusals.js';
import { nothingKnown, type SourceCounters } from '../packet/counters.js';
import type { LiveOptions } from './live.js';

type Asked = Pick<LiveOptions, 'interface' | 'snaplen' | 'bufferSize' | 'filter' | 'nanoseconds'>;

const mebibyte = 1024 * 1024;

/**
 * To standard output, as for libpcap not promiscuous; the kernel buffer is given in MiB. Classic pcap,
 * for it is less to read; only in pcapng it has nanoseconds.
 */
export function dumpcapWords(asked: Asked): string[] {
  const { interface: name, snaplen, bufferSize, filter, nanoseconds } = asked;
  return [
    ...['-q', '-p', nanoseconds ? '-n' : '-P', '-w', '-'],
    ...['-i', name],
    ...['-s', String(snaplen)],
    ...['-B', String(Math.ceil(bufferSize / mebibyte))],
    ...(filter === null ? [] : ['-f', filter]),
  ];
}

/**
 * Refuses what dumpcap would take for something else than an interface's name: a number in its own
 * list, standard input, a pipe, a remote host.
 * @param names the interfaces there are, for the error
 * @throws INTERFACE_UNKNOWN
 */
export function checkInterfaceName(name: string, names: readonly string[]): void {
  if (/^(?:-.*|\d+|.*[/@].*|)$/s.test(name)) throw unknownInterface(name, names);
}

/**
 * The counts that dumpcap writes to standard error as it ends (`report_packet_drops` in its
 * dumpcap.c). Its own drops and those that it threw away at the end count as the kernel's: they too
 * passed the filter and are in no file.
 */
export function readCounts(stderr: string): SourceCounters {
  const found = /: (\d+)\/\d+ \(pcap:(\d+)\/dumpcap:(\d+)\/flushed:(\d+)\/ps_ifdrop:(\d+)\)/.exec(
    stderr,
  );
  if (found === null) return nothingKnown;
  const [received, byKernel, byDumpcap, flushed, byInterface] = found.slice(1).map(Number);
  return {
    received: received + byKernel + byDumpcap + flushed,
    kernelDropped: byKernel + byDumpcap + flushed,
    interfaceDropped: byInterface,
  };
}

/**
 * dumpcap's complaint on one line: the line after `dumpcap: `, and the reason in parentheses that may
 * follow it. What comes behind is advice for users of Wireshark. `null` when it did not complain.
 */
export function complaintIn(stderr: string): string | null {
  const lines = stderr.split('\n').map((line) => line.trim());
  // It may fail to drop rights that it never had, and goes on.
  const at = lines.findIndex((line) => /^dumpcap: (?!cap_set_proc)/.test(line));
  if (at === -1) return null;
  const what = lines[at].slice('dumpcap: '.length).replace(/[.:]$/, '');
  const why = lines.at(at + 1) ?? '';
  return why.startsWith('(') ? `${what} ${why}` : what;
}

/**
 * @param name the interface; `names` those there are
 * @param end how it ended, for when it said nothing: `status 1`, `signal SIGKILL`
 */
export function dumpcapFailure(
  name: string,
  names: readonly string[],
  stderr: string,
  end: string,
): LbcapError {
  const complaint = complaintIn(stderr);
  if (complaint === null) {
    return new LbcapError('CAPTURE_FAILED', `dumpcap ended by itself (${end})`);
  }
  if (/permission/i.test(complaint)) return permissionMissing(name, `dumpcap: ${complaint}`);
  if (/no (?:such )?device/i.test(complaint)) return unknownInterface(name, names);
  if (/invalid capture filter/i.test(complaint)) {
    return new LbcapError('FILTER_INVALID', `dumpcap: ${complaint}`, 'see pcap-filter(7)');
  }
  return new LbcapError('CAPTURE_FAILED', `dumpcap cannot capture on ${name} (${complaint})`);
}

/** What it means that dumpcap could not even be started. */
export function dumpcapMissing(code: string | undefined, cause: Error): LbcapError {
  if (code === 'EACCES' || code === 'EPERM') {
    return new LbcapError(
      'CAPTURE_PERMISSION',
      'you may not run dumpcap',
      'join its group (sudo usermod -aG wireshark "$USER") and log in again',
      { cause },
    );
  }
  return new LbcapError(
    'ENGINE_MISSING',
    code === 'ENOENT' ? 'dumpcap is not installed' : `dumpcap cannot be started (${cause.message})`,
    'install it with Wireshark or tshark (Debian: apt-get install wireshark-common)',
    { cause },
  );
}

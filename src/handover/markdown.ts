/** A report as Markdown that pastes into an issue. Pure. */
import { isTrouble } from './hop.js';
import { code, count, plural, seconds, table } from './markdown-text.js';
import { hopLines } from './markdown-hops.js';
import type { Report, ReportedFile, ReportedLabel } from './report.js';

/** Chains and comments, and labels, those with most bytes: what is beyond is counted only. */
const mostLines = 24;
const mostLabels = 100;

export function reportMarkdown(report: Report): string {
  const lines = [
    '# Capture report',
    '',
    ...summary(report),
    '',
    '## Files',
    '',
    ...files(report.files),
    '## Labels',
    '',
    ...labels(report),
    '## Hops in order',
    '',
    ...hopLines(report),
    '## To look further',
    '',
    ...further(report),
    '## Environment',
    '',
    ...environment(report),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

/** What a reader asks first: how much, from when to when, what went wrong, what may be missing. */
function summary(report: Report): string[] {
  const { files, period, packets, hops, chains } = report;
  const { total } = hops;
  const lines: string[] = [];
  if (period === null) lines.push('- No packets.');
  else {
    lines.push(
      `- ${plural(packets.distinct, 'packet')} in ${seconds(period.seconds)} s, from ${period.first} to ${period.last}.`,
    );
  }
  if (packets.read > packets.distinct) {
    lines.push(
      `- ${plural(packets.read - packets.distinct, 'packet')} that two files have, as of two labels that talk to each other, counted once.`,
    );
  }
  if (packets.maybeTwice) {
    lines.push(
      '- **Counts may be double:** in a file times step back past more packets than can be remembered, so those that two files have may be counted twice.',
    );
  }
  const troubles = [
    [total.refused, 'refused'],
    [total.unanswered, 'never answered'],
    [total.reset, 'reset'],
    [total.open, 'open at the end'],
  ] as const;
  const words = troubles.filter(([number]) => number > 0).map(([n, what]) => `${count(n)} ${what}`);
  lines.push(
    `- ${plural(total.connections, 'TCP connection')}${words.length > 0 ? `: ${words.join(', ')}` : ''}; ` +
      `${plural(total.retransmissions, 'retransmission')}` +
      `${total.exchanges > 0 ? `; ${plural(total.exchanges, 'UDP or SCTP exchange')}` : ''}.`,
  );
  // On a loopback nothing gets lost on the way.
  if (total.retransmissions > Math.max(10, packets.distinct / 5)) {
    lines.push(
      '- So many retransmissions can be one capture twice: two captures of the same traffic, or one on all interfaces, which sees a packet on each.',
    );
  }
  for (const { path, times, isOfKept } of chains.slice(0, mostLines)) {
    const way = path.map(code).join(' → ');
    const often = isOfKept
      ? ` (${plural(times, 'time')} among the hops kept)`
      : ` (${count(times)} times)`;
    lines.push(`- ${way}${isOfKept || times > 1 ? often : ''}`);
  }
  if (chains.length > mostLines) {
    lines.push(`- … and ${plural(chains.length - mostLines, 'more chain')}`);
  }
  const { others, unclassified, cut, withoutHop } = packets;
  if (others > 0 && report.labels.length > 0) {
    lines.push(`- ${plural(others, 'packet')} of no label, not looked into.`);
  }
  if (unclassified > 0) {
    lines.push(
      `- ${plural(unclassified, 'packet')} could not be read: cut, contradicting themselves, or of an unknown link type.`,
    );
  }
  if (withoutHop > 0) {
    lines.push(`- ${plural(withoutHop, 'packet')} of no hop: no ports (ICMP, later fragments).`);
  }
  if (cut > 0) lines.push(`- ${plural(cut, 'packet')} cut by the snaplen: lengths are the wire's.`);
  lines.push(`- ${losses(files)}`);
  for (const { name, damage } of files) {
    if (damage !== null) lines.push(`- **Not whole:** ${code(name)}: ${code(damage.what)}`);
  }
  return lines;
}

function losses(files: readonly ReportedFile[]): string {
  const lossy = files.filter(({ dropped }) => (dropped.kernel ?? 0) + (dropped.interface ?? 0) > 0);
  if (lossy.length > 0) {
    const names = lossy.slice(0, mostLines).map(({ name }) => code(name));
    return `**Packets are missing**, dropped while capturing: see ${names.join(', ')}.`;
  }
  const isSaid = ({ dropped }: ReportedFile) => dropped.kernel !== null;
  if (files.length > 0 && files.every(isSaid)) return 'No packet was dropped while capturing.';
  return 'Whether packets were dropped while capturing is not known: not every file says so.';
}

function files(all: readonly ReportedFile[]): string[] {
  const drops = ({ dropped: { kernel, interface: card } }: ReportedFile) =>
    kernel === null && card === null ? 'not known' : count((kernel ?? 0) + (card ?? 0));
  const rows = all.map((file) => [
    code(file.name),
    code(file.format),
    count(file.packets),
    count(file.bytes),
    file.first ?? '',
    file.last ?? '',
    drops(file),
  ]);
  const heads = ['file', 'format', 'packets:', 'bytes:', 'first', 'last', 'dropped:'];
  const comments = all.flatMap(({ name, comments: own }) =>
    own.slice(0, mostLines).map((comment) => `- ${code(name)} says: ${code(comment)}`),
  );
  return [...table(heads, rows), ...comments, ...(comments.length > 0 ? [''] : [])];
}

/** As Wireshark takes it, too: a bar would have to be escaped in a table. */
function inWords(filter: string): string {
  return filter.replaceAll('||', 'or');
}

function labels({ labels: all, silent, noneHere }: Report): string[] {
  const origins = {
    given: 'given',
    capture: 'named in the capture',
    'file name': 'every packet of its file has it',
  } as const;
  const traffic = ({ packets, bytes }: ReportedLabel['in']) =>
    `${count(packets)} / ${count(bytes)}`;
  const weights = all.map((label) => label.out.bytes + label.in.bytes);
  const least = [...weights].sort((a, b) => b - a)[mostLabels - 1] ?? 0;
  const shown = all.filter((_, index) => weights[index] >= least).slice(0, mostLabels);
  const rows = shown.map(({ name, address, origin, out, in: into, tcp }) => [
    code(name),
    code(address),
    origins[origin],
    traffic(out),
    traffic(into),
    count(tcp.connections),
    count(tcp.unanswered),
    count(tcp.refused),
    count(tcp.resets),
    count(tcp.retransmissions),
  ]);
  const heads = [
    ...['label', 'address', 'why', 'out packets / bytes:', 'in packets / bytes:', 'connections:'],
    ...['unanswered:', 'refused:', 'RSTs:', 'retransmissions:'],
  ];
  const filters = shown.map(({ name, files: own, wireshark, bpf }) => [
    code(name),
    own.length === 0 ? '' : `${code(own[0])}${own.length > 1 ? ` and ${own.length - 1} more` : ''}`,
    code(inWords(wireshark)),
    code(bpf),
  ]);
  const lines = [
    ...table(heads, rows),
    ...table(['label', 'its file', 'Wireshark', 'BPF'], filters),
  ];
  if (all.length > shown.length) {
    lines.push(`… and ${plural(all.length - shown.length, 'more label')}`, '');
  }
  if (all.length === 0) {
    const why = noneHere ? 'None of the labels given or in the registry has packets here' : 'None';
    lines.push(`${why}: hops are shown by address.`, '');
  }
  if (silent.length > 0) {
    const names = silent.slice(0, mostLines).map(code).join(', ');
    const more = silent.length > mostLines ? ` and ${count(silent.length - mostLines)} more` : '';
    lines.push(`Without packets: ${names}${more}.`, '');
  }
  return lines;
}

/** Names that a shell and a code block take as they are; others are left to the reader. */
const plainName = /^[A-Za-z0-9_][A-Za-z0-9_.+=@%-]*$/;

function further({ files: all, labels: named, hops }: Report): string[] {
  const usable = all.filter(({ packets }) => packets > 0).map(({ name }) => name);
  /** The first that can be typed; else any that can. */
  const readable = (names: readonly string[]) =>
    [...names, ...usable].find((name) => plainName.test(name)) ?? 'FILE';
  const [first] = named;
  const name = readable(first?.files ?? []);
  const commands = [`wireshark ${name}`, `tshark -r ${name} -q -z conv,tcp`];
  if (first !== undefined) commands.push(`tshark -r ${name} -Y '${inWords(first.wireshark)}'`);
  const trouble = hops.rows.find(isTrouble);
  if (trouble !== undefined) {
    const { from, to, files: own } = trouble;
    commands.push(
      `tshark -r ${readable(own)} -Y 'tcp.port==${from.port} && tcp.port==${to.port}'  # the first hop in trouble`,
    );
  }
  return [
    ...['```sh', ...commands, '```', ''],
    'Checksums: on a loopback nobody computes them (offload), so Wireshark may call them bad. That is no corruption, and Wireshark can be told to leave them alone: `-o tcp.check_checksum:FALSE`.',
    '',
  ];
}

function environment({ environment: { captured, reported } }: Report): string[] {
  const { source, os, hardware, application } = captured;
  const [what, from] =
    source === 'capture'
      ? // Of a capture that was split elsewhere it is the machine that split it.
        (['Files written on', 'as they say'] as const)
      : (['Captured on', 'this machine; the files do not say'] as const);
  const facts = [os, hardware, application].filter((text) => text !== null && text !== '');
  return [
    `- ${what}: ${facts.map((text) => code(text ?? '')).join(', ')} (${from})`,
    `- Reported by: ${code(`lbcap ${reported.lbcap}`)}, ${code(`node ${reported.node}`)}, ${code(reported.os)}`,
  ];
}

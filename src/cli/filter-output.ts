/** What `lbcap filter` prints. Loads little: this command is called from scripts, often. */
import { LbcapError } from '../errors.js';
import { bpfFilter } from '../filters/bpf.js';
import { displayFilter } from '../filters/wireshark.js';
import type { Label } from '../labels/label.js';
import { quote } from '../labels/quote.js';
import { loopbackInterface } from '../loopback/interface.js';
import { shellQuoted, shellWord } from './shell.js';

export interface FilterOptions {
  /** `--for`: one of `filterTargets`. */
  readonly for?: string;
  readonly each?: boolean;
  readonly json?: boolean;
  /** `-i`: for whole commands. */
  readonly interface?: string;
}

export const filterTargets = ['wireshark', 'bpf', 'tcpdump', 'tshark'] as const;
type Target = (typeof filterTargets)[number];

/**
 * Lines for standard output, each with its line feed.
 *
 * @throws LbcapError `USAGE`
 */
export function filterOutput(labels: readonly Label[], options: FilterOptions): string {
  checkFilterOptions(options);
  const lines = options.json === true ? jsonLines(labels, options) : textLines(labels, options);
  return lines.map((line) => `${line}\n`).join('');
}

/** @throws LbcapError `USAGE`: before any label is looked at */
export function checkFilterOptions(options: FilterOptions): void {
  if (options.for !== undefined && !isTarget(options.for)) {
    throw new LbcapError(
      'USAGE',
      `${quote(options.for)} is nothing that --for knows`,
      `use ${filterTargets.slice(0, -1).join(', ')} or ${filterTargets.at(-1) ?? ''}`,
    );
  }
}

function isTarget(text: string): text is Target {
  return filterTargets.some((target) => target === text);
}

function textLines(labels: readonly Label[], options: FilterOptions): string[] {
  const target = options.for;
  const name = options.interface ?? loopbackInterface();
  if (target === undefined || !isTarget(target)) {
    return labels.flatMap(options.each === true ? bothOnOneLine : paragraph);
  }
  if (options.each !== true) return [expression(labels, target, name)];
  return labels.map((label) => `${label.name}\t${expression([label], target, name)}`);
}

function expression(labels: readonly Label[], target: Target, interfaceName: string): string {
  const on = `-i ${shellWord(interfaceName)}`;
  switch (target) {
    case 'bpf':
      return bpfFilter(labels);
    case 'wireshark':
      return displayFilter(labels);
    case 'tcpdump':
      return `tcpdump ${on} ${shellQuoted(bpfFilter(labels))}`;
    case 'tshark':
      // -f keeps the kernel from copying the rest; -Y then leaves out what only BPF takes (ARP).
      return `tshark ${on} -f ${shellQuoted(bpfFilter(labels))} -Y ${shellQuoted(displayFilter(labels))}`;
  }
}

function jsonLines(labels: readonly Label[], options: FilterOptions): string[] {
  const target = options.for;
  if (target === undefined || !isTarget(target)) {
    return labels.map((label) =>
      JSON.stringify({
        name: label.name,
        address: label.text,
        bpf: bpfFilter([label]),
        wireshark: displayFilter([label]),
      }),
    );
  }
  const name = options.interface ?? loopbackInterface();
  const groups = options.each === true ? labels.map((label) => [label]) : [labels];
  return groups.map((group) =>
    JSON.stringify({
      names: group.map((label) => label.name),
      for: target,
      expression: expression(group, target, name),
    }),
  );
}

function paragraph(label: Label): string[] {
  return [
    `${label.name} (${label.text})`,
    `  BPF        ${bpfFilter([label])}`,
    `  Wireshark  ${displayFilter([label])}`,
  ];
}

function bothOnOneLine(label: Label): string[] {
  return [`${label.name}\t${bpfFilter([label])}\t${displayFilter([label])}`];
}

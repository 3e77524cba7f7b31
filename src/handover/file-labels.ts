/** Labels that nobody gave: the names in the captures, and the names of label files. */
import { basename } from 'node:path';
import { formatEndpoint } from '../labels/address.js';
import type { AddressBytes, Label } from '../labels/label.js';
import { compileLookup, type LabelLookup } from '../labels/lookup.js';
import { isLabelName, parseLabel } from '../labels/parse.js';
import { linkTypeName } from '../packet/link-layer.js';
import { exactAddress, type CapturedNames } from './captured-names.js';
import type { Survey } from './survey.js';

/** Who says that the label is there. */
export type LabelOrigin = 'given' | 'capture' | 'file name';

export interface OriginatedLabel {
  readonly label: Label;
  readonly origin: LabelOrigin;
}

export interface FileLabels {
  readonly labels: readonly OriginatedLabel[];
  /** Files that could be a label's, and the addresses between which their packets do not decide. */
  readonly undecided: readonly { readonly name: string; readonly addresses: readonly string[] }[];
}

/** Everybody's: what has one of these in common has said nothing. */
const shared: ReadonlySet<string> = new Set(['127.0.0.1', '0:0:0:0:0:0:0:1']);
const fileName = /^(.+?)\.(?:pcap|pcapng|cap|ntar|dmp)(?:\.(?:gz|zst|zstd|lz4))?$/i;

/** Without their ports: an address that has a label with one is not free for another. */
export function withoutPorts(labels: readonly Label[]): Label[] {
  return labels.map((label) => ({
    ...label,
    endpoints: label.endpoints.map((endpoint) => ({ ...endpoint, port: null })),
  }));
}

/**
 * The labels of a report, in the order: given, named in the captures, named by files. `NAME.pcap` (and its
 * ring, `NAME.00001.pcap`) is label NAME at the one address that all its packets have, unless that
 * name is taken, or another label has such an address, or the address is 127.0.0.1 or ::1.
 */
export function labelsOf(
  given: readonly Label[],
  names: CapturedNames,
  surveys: readonly Survey[],
): FileLabels {
  const labels: OriginatedLabel[] = given.map((label) => ({ label, origin: 'given' }));
  for (const [name, addresses] of names.entries) {
    labels.push({ label: labelAt(name, addresses), origin: 'capture' });
  }
  const known = labels.map(({ label }) => label);
  const lookup = compileLookup(withoutPorts(known));
  const taken = new Set(known.map(({ name }) => name));
  const open = new Map<string, string[]>();
  for (const [name, addresses] of commonByName(surveys)) {
    // The packets are of that label: the other end is whoever it talks to.
    if (addresses.some((address) => isOwned(lookup, address))) continue;
    const own = addresses.map(exactAddress).filter((address) => !shared.has(address));
    if (!taken.has(name) && own.length > 0) open.set(name, own);
  }
  // An address that is one file's for sure leaves the other to the file of its peer.
  for (;;) {
    const sure = [...open].find(([, addresses]) => addresses.length === 1);
    if (sure === undefined) break;
    const [name, addresses] = sure;
    labels.push({ label: labelAt(name, addresses), origin: 'file name' });
    open.delete(name);
    for (const [other, candidates] of open) {
      const left = candidates.filter((address) => address !== addresses[0]);
      if (left.length > 0) open.set(other, left);
      else open.delete(other);
    }
  }
  const isFileName = ({ origin }: OriginatedLabel) => origin === 'file name';
  // In the order of the files, not in that of the conclusions.
  const order = new Map(surveys.map((survey, index) => [labelNameOf(survey), index]));
  const place = ({ label }: OriginatedLabel) => order.get(label.name) ?? 0;
  const named = labels.filter(isFileName).sort((a, b) => place(a) - place(b));
  return {
    labels: [...labels.filter((label) => !isFileName(label)), ...named],
    undecided: [...open].map(([name, addresses]) => ({ name, addresses })),
  };
}

/** With its addresses as people write them. */
function labelAt(name: string, addresses: readonly string[]): Label {
  const label = parseLabel(name, addresses);
  return { ...label, text: label.endpoints.map(formatEndpoint).join(',') };
}

/** What all packets of all files of a name have in common. */
function commonByName(surveys: readonly Survey[]): Map<string, readonly AddressBytes[]> {
  const found = new Map<string, readonly AddressBytes[]>();
  for (const survey of surveys) {
    const name = labelNameOf(survey);
    // A ring's new file may have no packet yet; of a damaged one the rest could be another's.
    if (name === null || survey.packets === 0 || survey.damage !== null) continue;
    const before = found.get(name);
    const own = survey.common;
    const both = before?.filter((a) => own.some((b) => Buffer.compare(a, b) === 0)) ?? own;
    found.set(name, both);
  }
  return found;
}

/** The label that the file is called after, without ring number and link type; `null` for none. */
export function labelNameOf({ path, linkTypes }: Survey): string | null {
  const [, stem] = fileName.exec(basename(path)) ?? [];
  if (stem === undefined) return null;
  const unnumbered = stem.replace(/\.\d{5,}$/, '');
  const [linkType] = linkTypes;
  const suffix = `.${linkTypeName(linkType)}`;
  const name = unnumbered.endsWith(suffix) ? unnumbered.slice(0, -suffix.length) : unnumbered;
  return name === 'others' || !isLabelName(name) ? null : name;
}

function isOwned(lookup: LabelLookup, address: AddressBytes): boolean {
  const view = new DataView(address.buffer, address.byteOffset);
  const owner = address.length === 4 ? lookup.v4(view.getInt32(0), 0) : lookup.v6(view, 0, 0);
  return owner >= 0;
}

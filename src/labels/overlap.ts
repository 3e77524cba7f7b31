/** Two labels may not claim the same packet's end: finds a pair that does. */
import { LbcapError } from '../errors.js';
import type { Sequence } from '../sequence.js';
import { blockSize, formatEndpoint, rangeOf, valueOf, type Family } from './address.js';
import { LabelColumns } from './label-columns.js';
import type { Endpoint, Label } from './label.js';

/** Which endpoints a block of addresses has. */
interface Claims {
  /** Label and endpoint without a port. */
  whole: Claim | null;
  readonly byPort: Map<number, Claim>;
  /** A port endpoint, and one of another label: enough to find a stranger to any label. */
  someone: Claim | null;
  someoneElse: Claim | null;
}

interface Claim {
  readonly label: Label;
  readonly endpoint: Endpoint;
}

/** Two claims to the same packets; the inner one's block lies in the outer one's. */
interface Meeting {
  readonly outer: Claim;
  readonly inner: Claim;
}

/**
 * @param title how the error calls a label
 * @throws LbcapError `LABEL_OVERLAP` that names both labels and where they meet
 */
export function assertNoOverlap(labels: Sequence<Label>, title: (label: Label) => string): void {
  if (labels instanceof LabelColumns ? columnsAreApart(labels) : areSingleAddresses(labels)) return;
  const meeting = firstOverlap([...labels]);
  if (meeting !== null) throw overlap(meeting, title);
}

/**
 * Blocks are nested or apart, so a block meets only those that hold it: one look for each prefix
 * length in use, whatever the number of labels.
 */
function firstOverlap(labels: readonly Label[]): Meeting | null {
  const blocks = new Map<string, Claims>();
  const prefixes: Record<Family, Set<number>> = { 4: new Set(), 6: new Set() };
  for (const label of labels) {
    for (const endpoint of label.endpoints) {
      prefixes[endpoint.family].add(endpoint.prefix);
      register(blocks, { label, endpoint });
    }
  }
  for (const label of labels) {
    for (const endpoint of label.endpoints) {
      const value = valueOf(endpoint.address);
      for (const prefix of prefixes[endpoint.family]) {
        if (prefix > endpoint.prefix) continue;
        const claims = blocks.get(keyOf(endpoint.family, value, prefix));
        const outer = claims === undefined ? null : rival(claims, { label, endpoint });
        if (outer !== null) return { outer, inner: { label, endpoint } };
      }
    }
  }
  return null;
}

/** Quickly, what nearly all labels are: IPv4 addresses, each once. False when that is not known. */
function areSingleAddresses(labels: Sequence<Label>): boolean {
  const seen = new Set<number>();
  let count = 0;
  for (const { endpoints } of labels) {
    for (const { address, prefix, port } of endpoints) {
      if (address.length !== 4 || prefix !== 32 || port !== null) return false;
      const [a, b, c, d] = address;
      seen.add((a << 24) | (b << 16) | (c << 8) | d);
      count++;
    }
  }
  return seen.size === count;
}

/** The same of columns; labels that are more than one address look for such in between. */
function columnsAreApart(labels: LabelColumns): boolean {
  if (!labels.byAddress.distinct) return false;
  const others = [...labels.columns.others.values()];
  if (others.length === 0) return true;
  const sorted = Uint32Array.from(labels.single.keys).sort();
  for (const { endpoints } of others) {
    for (const endpoint of endpoints) {
      if (endpoint.family === 6) continue;
      const { first, last } = rangeOf(endpoint);
      // Whatever its port: a label without one has them all.
      if (sorted[lowerBound(sorted, Number(first))] <= last) return false;
    }
  }
  return firstOverlap(others) === null;
}

/** Index of the first that is not smaller; the length when all are. */
function lowerBound(sorted: Uint32Array, value: number): number {
  let from = 0;
  let to = sorted.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle] < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

function keyOf(family: Family, value: bigint, prefix: number): string {
  return `${family}/${prefix}/${value / blockSize(family, prefix)}`;
}

function register(blocks: Map<string, Claims>, claim: Claim): void {
  const { label, endpoint } = claim;
  const key = keyOf(endpoint.family, valueOf(endpoint.address), endpoint.prefix);
  let claims = blocks.get(key);
  if (claims === undefined) {
    claims = { whole: null, byPort: new Map(), someone: null, someoneElse: null };
    blocks.set(key, claims);
  }
  // The first claim stays: a later one of another label meets it when its own turn comes.
  if (endpoint.port === null) {
    claims.whole ??= claim;
    return;
  }
  if (!claims.byPort.has(endpoint.port)) claims.byPort.set(endpoint.port, claim);
  if (claims.someone === null) claims.someone = claim;
  else if (claims.someone.label !== label) claims.someoneElse ??= claim;
}

/** The claim of another label that shares packets with this one. */
function rival(claims: Claims, claim: Claim): Claim | null {
  const { port } = claim.endpoint;
  const candidates =
    port === null
      ? [claims.whole, claims.someone, claims.someoneElse]
      : [claims.whole, claims.byPort.get(port) ?? null];
  return candidates.find((other) => other !== null && other.label !== claim.label) ?? null;
}

function overlap({ outer, inner }: Meeting, title: (label: Label) => string): LbcapError {
  // The block that is held by the other, or the one with a port, is where they meet.
  const meeting = inner.endpoint.port === null ? outer.endpoint.port : inner.endpoint.port;
  const where = formatEndpoint({ ...inner.endpoint, port: meeting });
  return new LbcapError(
    'LABEL_OVERLAP',
    `labels ${title(outer.label)} and ${title(inner.label)} overlap at ${where}`,
    'give each its own addresses or ports',
    { details: { labels: [outer.label.name, inner.label.name], address: where } },
  );
}

/** The columns of a capture: what they show, how they look, and which go first in a narrow terminal. */
import type { Tone } from './colour.js';
import type { Column as AnyColumn, ColumnSet } from './fit.js';
import type { Row } from './rows.js';
import { formatBytes, formatCount } from './units.js';

type Column = AnyColumn<Row>;

const plain = (): Tone => 'plain';
const unknown = '-';

function count(
  group: Column['group'],
  title: string,
  short: string,
  of: (row: Row) => number | null,
  format: (value: number) => string = formatCount,
  trouble: Tone = 'plain',
): Column {
  return {
    group,
    title,
    short,
    align: 'right',
    text: (row) => {
      const value = of(row);
      return value === null ? unknown : format(value);
    },
    tone: (row) => ((of(row) ?? 0) === 0 ? 'faint' : trouble),
  };
}

const label: Column = {
  group: '',
  title: 'label',
  short: 'label',
  align: 'left',
  text: (row) => row.label,
  tone: () => 'name',
  least: 12,
};
const address: Column = {
  group: '',
  title: 'address',
  short: 'address',
  align: 'left',
  text: (row) => row.address,
  tone: plain,
  least: 9,
};
const outPackets = count('out', 'packets', 'packets', (row) => row.outPackets);
const outBytes = count('out', 'bytes', 'bytes', (row) => row.outBytes, formatBytes);
const inPackets = count('in', 'packets', 'packets', (row) => row.inPackets);
const inBytes = count('in', 'bytes', 'bytes', (row) => row.inBytes, formatBytes);
const byteRate = count('rate', 'bytes', 'bytes', (row) => row.byteRate, formatBytes);
const packetRate = count('rate', 'packets', 'packets', (row) => row.packetRate);
const open = count('tcp', 'open', 'open', (row) => row.open);
const resets = count('tcp', 'resets', 'rst', (row) => row.resets, formatCount, 'warning');
const retransmissions = count(
  'tcp',
  'retrans',
  'retr',
  (row) => row.retransmissions,
  formatCount,
  'warning',
);
const unanswered = count('tcp', 'no reply', 'syn?', (row) => row.unanswered, formatCount, 'alarm');
const busiestPeer: Column = {
  group: '',
  title: 'busiest peer',
  short: 'busiest peer',
  align: 'left',
  text: (row) => row.busiestPeer ?? '',
  tone: plain,
  least: 14,
};

const inOrder: readonly Column[] = [
  label,
  address,
  outPackets,
  outBytes,
  inPackets,
  inBytes,
  byteRate,
  packetRate,
  open,
  resets,
  retransmissions,
  unanswered,
  busiestPeer,
];

/** The last are the first to go; those in one list go together. */
const byImportance: readonly (readonly Column[])[] = [
  [label],
  [byteRate],
  [outBytes, inBytes],
  [resets],
  [retransmissions],
  [open],
  [outPackets, inPackets],
  [address],
  [busiestPeer],
  [unanswered],
  [packetRate],
];

export const captureColumns: ColumnSet<Row> = { inOrder, byImportance };

/** Columns of trouble, and what the line beneath says when one that is not 0 has no room. */
export const troubles: readonly { column: Column; text: string; of: (row: Row) => number }[] = [
  { column: resets, text: 'resets', of: (row) => row.resets },
  { column: retransmissions, text: 'retransmissions', of: (row) => row.retransmissions },
  { column: unanswered, text: 'unanswered SYNs', of: (row) => row.unanswered },
];

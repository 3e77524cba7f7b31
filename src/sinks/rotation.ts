/** When a label's file gives way to the next, and what the files are called. */

export interface Rotation {
  /** Bytes that a file may have, before compression; `null`: as many as come. One record always fits. */
  readonly size: number | null;
  /** How many files of a label stay, the newest; `null`: all. */
  readonly keep: number | null;
}

/** `client.00001`: five digits as dumpcap's, and more when they do not do. */
export function numberedName(name: string, sequence: number): string {
  return `${name}.${String(sequence).padStart(5, '0')}`;
}

/** Terminals and processes that only note what is done to them. */
import { EventEmitter } from 'node:events';

/** A terminal that keeps what is written to it, or a pipe when it has no size. */
export class Paper extends EventEmitter {
  readonly isTTY: boolean;
  writableNeedDrain = false;
  text = '';
  columns?: number;
  rows?: number;

  constructor(columns?: number, rows?: number) {
    super();
    this.isTTY = columns !== undefined;
    if (columns !== undefined) this.columns = columns;
    if (rows !== undefined) this.rows = rows;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  /** What was written since the last look. */
  look(): string {
    const { text } = this;
    this.text = '';
    return text;
  }
}

export class Surroundings extends EventEmitter {
  readonly pid = 4711;
  readonly killed: string[] = [];

  kill(pid: number, signal: string): void {
    this.killed.push(`${signal} ${String(pid)}`);
  }
}

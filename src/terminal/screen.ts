/** A block of lines that is redrawn in place on a terminal. */

/** The part of a tty.WriteStream that is needed. */
export interface TerminalStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly writableNeedDrain?: boolean;
  write(text: string): boolean;
  on(event: 'resize' | 'error', listener: (error?: unknown) => void): unknown;
  off(event: 'resize' | 'error', listener: (error?: unknown) => void): unknown;
}

/** The part of a process that is needed: the ways to leave it and to be stopped. */
export interface ProcessEvents {
  readonly pid: number;
  kill(pid: number, signal: 'SIGSTOP'): unknown;
  on(event: 'exit' | 'SIGTSTP' | 'SIGCONT', listener: () => void): unknown;
  off(event: 'exit' | 'SIGTSTP' | 'SIGCONT', listener: () => void): unknown;
}

/** Control sequences of ECMA-48 and DEC (xterm's ctlseqs). */
const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';
/** Without it a frame that was made for a wider screen, a moment ago, would take more lines. */
const cutLines = '\u001b[?7l';
const wrapLines = '\u001b[?7h';
const eraseLine = '\u001b[2K';
const eraseBelow = '\u001b[J';
const up = (lines: number): string => (lines > 0 ? `\u001b[${String(lines)}A` : '');
const down = (lines: number): string => (lines > 0 ? `\u001b[${String(lines)}B` : '');

/**
 * Between frames the cursor waits, hidden, at the block's first character. A terminal that is made
 * narrower may wrap the lines or cut them; the cursor keeps its character either way, so the next
 * frame starts where the last one did, however many lines that has become.
 */
export class Screen {
  readonly #stream: TerminalStream;
  readonly #process: ProcessEvents;
  readonly #redraw: () => void;
  /** Lines on the screen; 0 when the cursor is the shell's. */
  #drawn = 0;
  #gone = false;

  /** @param redraw is called when the size has changed, or the process goes on after Ctrl-Z */
  constructor(stream: TerminalStream, process: ProcessEvents, redraw: () => void) {
    this.#stream = stream;
    this.#process = process;
    this.#redraw = redraw;
    stream.on('resize', this.#redraw);
    stream.on('error', this.#lose);
    process.on('exit', this.#leave);
    process.on('SIGTSTP', this.#suspend);
    process.on('SIGCONT', this.#redraw);
  }

  /** Replaces the block. A frame is left out while the terminal has not taken the last one. */
  draw(lines: readonly string[]): void {
    if (this.#gone || lines.length === 0 || this.#stream.writableNeedDrain === true) return;
    const last = lines.length - 1;
    // Erase before the text: behind a line as wide as the screen it would take the last character.
    const body = lines.map((line, i) => (i < last ? eraseLine : eraseBelow) + line).join('\r\n');
    this.#stream.write(`${hideCursor}${cutLines}\r${body}\r${up(last)}${wrapLines}`);
    this.#drawn = lines.length;
  }

  /** Puts lines above the block, where they stay. The block is gone until it is drawn again. */
  print(lines: readonly string[]): void {
    if (this.#gone) return;
    this.#stream.write(`\r${eraseBelow}${lines.join('\r\n')}\r\n`);
    this.#drawn = 0;
  }

  /** Gives the terminal back, the cursor beneath the block. */
  close(): void {
    this.#leave();
    this.#process.off('exit', this.#leave);
    this.#process.off('SIGTSTP', this.#suspend);
    this.#process.off('SIGCONT', this.#redraw);
    this.#stream.off('resize', this.#redraw);
    // The listener for errors stays: a terminal that hangs up now must not end the program.
  }

  readonly #leave = (): void => {
    if (this.#gone) return;
    const beneath = this.#drawn === 0 ? '' : `${down(this.#drawn - 1)}\r\n`;
    this.#stream.write(beneath + showCursor);
    this.#drawn = 0;
  };

  readonly #suspend = (): void => {
    this.#leave();
    this.#process.kill(this.#process.pid, 'SIGSTOP');
  };

  readonly #lose = (): void => {
    this.#gone = true;
  };
}

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
/** What a person may still read of what a stopped terminal has missed. */
const mostHeld = 1000;

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
  readonly #takes: () => boolean;
  /** Lines that wait until the terminal takes them, the newest. */
  readonly #held: string[] = [];
  #leftOut = 0;
  /** Lines on the screen; 0 when the cursor is the shell's. */
  #drawn = 0;
  #gone = false;

  /**
   * @param redraw is called when the size has changed, or the process goes on after Ctrl-Z
   * @param takes whether a write would not have to wait
   */
  constructor(
    stream: TerminalStream,
    process: ProcessEvents,
    redraw: () => void,
    takes: () => boolean = () => true,
  ) {
    this.#stream = stream;
    this.#process = process;
    this.#redraw = redraw;
    this.#takes = takes;
    stream.on('resize', this.#redraw);
    stream.on('error', this.#lose);
    process.on('exit', this.#leave);
    process.on('SIGTSTP', this.#suspend);
    process.on('SIGCONT', this.#redraw);
  }

  /** Replaces the block. A frame is left out while the terminal takes none. */
  draw(lines: readonly string[]): void {
    if (lines.length === 0 || !this.#isReady()) return;
    this.#writeHeld();
    const last = lines.length - 1;
    // Erase before the text: behind a line as wide as the screen it would take the last character.
    const body = lines.map((line, i) => (i < last ? eraseLine : eraseBelow) + line).join('\r\n');
    this.#stream.write(`${hideCursor}${cutLines}\r${body}\r${up(last)}${wrapLines}`);
    this.#drawn = lines.length;
  }

  /**
   * Puts lines above the block, where they stay, as soon as the terminal takes them. The block is gone
   * until it is drawn again.
   */
  print(lines: readonly string[]): void {
    this.#held.push(...lines);
    const tooMany = Math.max(0, this.#held.length - mostHeld);
    this.#held.splice(0, tooMany);
    this.#leftOut += tooMany;
    if (this.#isReady()) this.#writeHeld();
  }

  /**
   * Leaves the lines in the block's place and gives the terminal back, beneath them. Waits for a
   * terminal that is stopped.
   */
  close(lines: readonly string[]): void {
    this.#held.push(...lines);
    this.#writeHeld();
    this.#leave();
    this.#process.off('exit', this.#leave);
    this.#process.off('SIGTSTP', this.#suspend);
    this.#process.off('SIGCONT', this.#redraw);
    this.#stream.off('resize', this.#redraw);
    // The listener for errors stays: a terminal that hangs up now must not end the program.
  }

  #isReady(): boolean {
    return !this.#gone && this.#stream.writableNeedDrain !== true && this.#takes();
  }

  #writeHeld(): void {
    const lines = this.#held.splice(0);
    if (this.#gone || lines.length === 0) return;
    if (this.#leftOut > 0) lines.unshift(`… ${this.#leftOut} lines before this one`);
    this.#leftOut = 0;
    this.#stream.write(`\r${eraseBelow}${lines.join('\r\n')}\r\n`);
    this.#drawn = 0;
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

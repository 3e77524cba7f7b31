/** Ctrl-C and its relatives: the first asks for a proper end, the second ends at once. */
import { closeSync } from 'node:fs';

export interface SignalActions {
  stop(): void;
  /** SIGUSR1, and SIGINFO (Ctrl-T) where there is one: say how it stands. */
  status(): void;
}

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @returns takes the handlers off again */
export function onSignals(actions: SignalActions): () => void {
  let asked = false;
  const end = (signal: NodeJS.Signals) => {
    if (signal === 'SIGHUP') process.once('exit', leaveTerminal);
    if (!asked || signal !== 'SIGINT') {
      asked = true;
      actions.stop();
      return;
    }
    process.stderr.write('lbcap: interrupted again: files may lack their last packets\n');
    process.exit(130);
  };
  const status = () => {
    actions.status();
  };
  // SIGINFO is unknown to Linux, and SIGUSR1 to Windows: process.on throws for those.
  const statusSignals = (['SIGUSR1', 'SIGINFO'] as const).filter((signal) => {
    try {
      process.on(signal, status);
      return true;
    } catch {
      return false;
    }
  });
  for (const signal of endings) process.on(signal, end);
  return () => {
    for (const signal of endings) process.off(signal, end);
    for (const signal of statusSignals) process.off(signal, status);
  };
}

/**
 * Node gives the terminal its old settings back when it exits, and aborts where the terminal is gone
 * (EIO), as it is after most SIGHUPs. What is closed is left alone.
 */
function leaveTerminal(): void {
  for (const fd of [0, 1, 2]) {
    try {
      closeSync(fd);
    } catch {
      // Closed already.
    }
  }
}

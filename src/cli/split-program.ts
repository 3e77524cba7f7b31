/** `split` alone, of which most of the start would be to load what only other commands need. */
import { splitCommand } from './commands/split.js';
import { runProgram } from './run-program.js';

/** @param words `process.argv` of a `split` */
export function main(words: readonly string[]): Promise<void> {
  return runProgram(words, [splitCommand()], '');
}

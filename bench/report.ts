/** Medians, and the lines that the bench prints. */

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[middle - 1] ?? NaN, sorted[middle] ?? NaN];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

export function say(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** Columns padded to their widest cell: the first to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  for (const row of rows) {
    const cells = row.map((cell, i) =>
      i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
    );
    say(`  ${cells.join('   ').trimEnd()}`);
  }
}

/** One figure against its limit: `ok` or `MISSED`, so that a glance will do. */
export function verdict(what: string, value: number, limit: number, unit: string): boolean {
  return judge(value <= limit, `${what}: ${value.toFixed(2)}${unit}, at most ${limit}${unit}`);
}

/** The same, where more is better. */
export function atLeast(what: string, value: number, limit: number, unit: string): boolean {
  return judge(value >= limit, `${what}: ${value.toFixed(2)}${unit}, at least ${limit}${unit}`);
}

function judge(kept: boolean, words: string): boolean {
  say(`  ${kept ? 'ok    ' : 'MISSED'} ${words}`);
  return kept;
}

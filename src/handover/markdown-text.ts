/** Words of others in Markdown and JSON: whatever a capture holds, it stays text. */

/** Longer texts are cut: a comment may be of 64 KiB. */
const longest = 300;

/**
 * A code span, in which nothing is markup, mention or link. What could end it or move a terminal's
 * cursor or a reader's eye (controls, invisible and bidirectional characters) is written as `\x1b` or
 * `\u{202e}`; a backslash is doubled.
 */
export function code(text: string): string {
  const shown = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return text === '' ? '' : `\`${escaped(shown)}\``;
}

function escaped(text: string): string {
  // \p{C}: controls, formats, surrogates alone, private use and unassigned.
  return text.replace(/[\p{C}\p{Zl}\p{Zp}`\\]/gu, (character) => {
    if (character === '\\') return '\\\\';
    const number = character.codePointAt(0) ?? 0;
    const hex = number.toString(16);
    return number < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
  });
}

/** JSON that a terminal shows as it is: what JSON.stringify leaves of controls is escaped, too. */
export function terminalJson(value: unknown): string {
  return JSON.stringify(value).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => {
      const unit = character.charCodeAt(index).toString(16).padStart(4, '0');
      return `\\u${unit}`;
    }).join(''),
  );
}

/** A table with its head; columns whose head ends with a colon are of numbers. No rows, no table. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) =>
    // A bar ends a cell even in a code span; escaped, it is shown as it is.
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(heads.map((head) => head.replace(/:$/, ''))),
    line(heads.map((head) => (head.endsWith(':') ? '---:' : '---'))),
    ...rows.map(line),
    '',
  ];
}

/** `1,234,567`, the same in every language. */
export function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** `1 packet`, `2 packets`. */
export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** Seconds to the microsecond, `0.000123`. */
export function seconds(number: number): string {
  return number.toFixed(6);
}

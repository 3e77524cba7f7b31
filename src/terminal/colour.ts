/** Whether the terminal wants colour and Unicode, and the few colours that lbcap uses. */

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * FORCE_COLOR decides first, as it does for node; then NO_COLOR (no-color.org: any value but the
 * empty one), TERM=dumb, and whether it is a terminal at all.
 */
export function colourAllowed(env: Environment, isTTY: boolean): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  return isTTY && env['TERM'] !== 'dumb';
}

/** False for TERM=dumb and for a locale that is set and is not UTF-8 (locale(7): LC_ALL first). */
export function unicodeAllowed(env: Environment): boolean {
  if (env['TERM'] === 'dumb') return false;
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  return locale === undefined || /utf-?8/i.test(locale);
}

/** What a text is, rather than which colour it has. */
export type Tone = 'plain' | 'faint' | 'name' | 'warning' | 'alarm';

/** Select Graphic Rendition (ECMA-48, 8.3.117), on and off. */
const renditions: Readonly<Record<Exclude<Tone, 'plain'>, readonly [number, number]>> = {
  faint: [2, 22],
  name: [1, 22],
  warning: [33, 39],
  alarm: [31, 39],
};

/** The text in its tone; unchanged without colour. */
export function paint(text: string, tone: Tone, colour: boolean): string {
  if (!colour || tone === 'plain' || text === '') return text;
  const [on, off] = renditions[tone];
  return `\u001b[${String(on)}m${text}\u001b[${String(off)}m`;
}

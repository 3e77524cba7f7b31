/** Words as a POSIX shell reads them back (shell command language, 2.2 Quoting). */

/** Quoted only where it must be. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%=,+-]+$/.test(text) ? text : shellQuoted(text);
}

export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Texts that come from C or from a user, made fit for one line on a terminal. */

/** A NUL-terminated text that C left in a buffer. */
export function cText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return oneLine(Buffer.from(bytes.subarray(0, end < 0 ? bytes.length : end)).toString('utf8'));
}

/** Control characters and runs of space become one space each. */
export function oneLine(text: string): string {
  return text.replace(/[\u0000-\u0020\u007f-\u009f]+/g, ' ').trim();
}

/** The text of a registry, character by character: takes what is expected next, or says that it is not there. */
import { isLabelName, longestLabelName } from './parse.js';

/** RFC 8259, section 2. */
export enum token {
  quote = 0x22,
  comma = 0x2c,
  colon = 0x3a,
  listBegin = 0x5b,
  listEnd = 0x5d,
  objectBegin = 0x7b,
  objectEnd = 0x7d,
}

const space = 0x20;
const dot = 0x2e;
const zero = 0x30;
const backslash = 0x5c;
const lastAscii = 0x7e;

/** FNV-1a, 32 bits (draft-eastlake-fnv). */
const hashStart = 0x811c9dc5 | 0;
const hashPrime = 0x01000193;

/** By character: it may begin a name (2), it may only follow (1). */
const nameCharacters = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return isLabelName(character) ? 2 : isLabelName(`a${character}`) ? 1 : 0;
});

/** Blanks before what is taken are passed over. What is not there leaves the place undefined: it is over then. */
export class RegistryText {
  /** Of the name that was taken last. */
  nameStart = 0;
  nameLength = 0;
  nameHash = 0;
  /** The address that was taken last, network order. */
  address = 0;
  readonly #text: Buffer;
  #at = 0;

  constructor(text: Buffer) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    this.#passBlanks();
    return this.#at === this.#text.length;
  }

  take(wanted: token): boolean {
    this.#passBlanks();
    if (this.#text[this.#at] !== wanted) return false;
    this.#at++;
    return true;
  }

  /** A label's name in quotes, without escapes. */
  takeName(): boolean {
    if (!this.take(token.quote)) return false;
    const text = this.#text;
    const start = this.#at;
    let at = start;
    let hash = hashStart;
    if (nameCharacters[text[at]] !== 2) return false;
    for (; nameCharacters[text[at]] > 0; at++) hash = Math.imul(hash ^ text[at], hashPrime);
    this.nameStart = start;
    this.nameLength = at - start;
    this.nameHash = hash;
    this.#at = at + 1;
    return text[at] === token.quote && at - start <= longestLabelName;
  }

  get name(): string {
    const { nameStart, nameLength } = this;
    return this.#text.toString('latin1', nameStart, nameStart + nameLength);
  }

  /** An IPv4 address in quotes, as `ipv4Bytes` takes it. What is not one stays, and may be taken otherwise. */
  takeAddress(): boolean {
    const text = this.#text;
    this.#passBlanks();
    let at = this.#at;
    if (text[at++] !== token.quote) return false;
    let address = 0;
    for (let part = 0; part < 4; part++) {
      const start = at;
      let value = 0;
      for (;;) {
        const digit = text[at] - zero;
        if (!(digit >= 0 && digit <= 9) || at === start + 3) break;
        value = value * 10 + digit;
        at++;
      }
      if (at === start || value > 255 || (text[start] === zero && at > start + 1)) return false;
      if (text[at++] !== (part < 3 ? dot : token.quote)) return false;
      address = (address << 8) | value;
    }
    this.address = address;
    this.#at = at;
    return true;
  }

  /** A string in ASCII without escapes, or a list of such; else `null`. */
  takeStrings(): string[] | null {
    if (!this.take(token.listBegin)) {
      const string = this.#takeString();
      return string === null ? null : [string];
    }
    const strings: string[] = [];
    do {
      const string = this.#takeString();
      if (string === null) return null;
      strings.push(string);
    } while (this.take(token.comma));
    return this.take(token.listEnd) ? strings : null;
  }

  #takeString(): string | null {
    if (!this.take(token.quote)) return null;
    const text = this.#text;
    const start = this.#at;
    let at = start;
    for (; text[at] !== token.quote; at++) {
      if (!(text[at] >= space && text[at] <= lastAscii) || text[at] === backslash) return null;
    }
    this.#at = at + 1;
    return text.toString('latin1', start, at);
  }

  #passBlanks(): void {
    const text = this.#text;
    // Space, tab and line ends; nothing else below a space is ever taken.
    while (text[this.#at] <= space && isBlank(text[this.#at])) this.#at++;
  }
}

/** RFC 8259, section 2. */
function isBlank(code: number): boolean {
  return code === space || code === 0x09 || code === 0x0a || code === 0x0d;
}

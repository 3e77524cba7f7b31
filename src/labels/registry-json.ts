/** The registry's JSON text: checked strictly, order kept, written back with all else it holds. */
import { LbcapError, messageOf } from '../errors.js';
import { quote } from './quote.js';

/** One label as the file has it: a name and an address or several. */
export interface RegistryEntry {
  readonly name: string;
  readonly value: string | readonly string[];
}

const example = '{"labels": {"kafka-client": "127.0.0.2"}}';

/**
 * Checks `{"labels": {NAME: ADDR | [ADDR, …]}}`. Other fields beside `labels` may be there. Names
 * and addresses themselves are not looked at.
 *
 * @param path for messages
 * @throws LbcapError `REGISTRY_INVALID` that names the file and the field
 */
export function parseRegistry(text: string, path: string): RegistryEntry[] {
  const { labels } = parseDocument(text, path);
  if (labels === undefined) throw invalid(path, 'has no field "labels"', `write ${example}`);
  if (!isObject(labels)) {
    throw wrongField(path, `labels is ${kindOf(labels)}, not an object`, `write ${example}`);
  }
  const seen = new Set<string>();
  return labelNames(text).map((name) => {
    if (seen.has(name)) {
      throw wrongField(path, `labels has ${quote(name)} twice`, 'leave one of the two');
    }
    seen.add(name);
    return { name, value: checkValue(path, name, labels[name]) };
  });
}

/**
 * The text with its labels replaced and every other field kept, indented by two spaces.
 *
 * @param text what the file held, or `null` for a new one
 * @throws LbcapError `REGISTRY_INVALID` when the old text is no JSON object
 */
export function formatRegistry(
  text: string | null,
  entries: readonly RegistryEntry[],
  path: string,
): string {
  const fields = text === null ? {} : parseDocument(text, path);
  // By hand, since an object would move names like "1" to the front.
  const lines = entries.map(({ name, value }) => `${JSON.stringify(name)}: ${oneLine(value)}`);
  const labels = lines.length === 0 ? '{}' : `{\n    ${lines.join(',\n    ')}\n  }`;
  const names = 'labels' in fields ? Object.keys(fields) : [...Object.keys(fields), 'labels'];
  const written = names.map((name) => {
    const value =
      name === 'labels' ? labels : JSON.stringify(fields[name], null, 2).replace(/\n/g, '\n  ');
    return `  ${JSON.stringify(name)}: ${value}`;
  });
  return `{\n${written.join(',\n')}\n}\n`;
}

function oneLine(value: string | readonly string[]): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return `[${value.map((address) => JSON.stringify(address)).join(', ')}]`;
}

function parseDocument(text: string, path: string): Record<string, unknown> {
  let document: unknown;
  try {
    document = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw invalid(path, `is not JSON (${messageOf(error)})`, `write ${example}`);
  }
  if (isObject(document)) return document;
  throw invalid(path, `holds ${kindOf(document)}, not an object`, `write ${example}`);
}

function checkValue(path: string, name: string, value: unknown): string | string[] {
  const field = `labels.${name.length > 63 ? `${name.slice(0, 63)}…` : name}`;
  const remedy = 'write an address or a list of addresses';
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) throw wrongField(path, `${field} is ${kindOf(value)}`, remedy);
  if (value.length === 0) throw wrongField(path, `${field} is an empty list`, remedy);
  return value.map((address: unknown, index) => {
    if (typeof address === 'string') return address;
    throw wrongField(path, `${field}[${index}] is ${kindOf(address)}`, remedy);
  });
}

/**
 * The names under `labels` in the order of the text, repeated ones repeated: `JSON.parse` moves
 * names like "1" to the front and keeps only the last of two.
 *
 * @param text known to be JSON
 */
function labelNames(text: string): string[] {
  let names: string[] = [];
  let depth = 0;
  let field = '';
  let word = '';
  for (let at = 0; at < text.length; at++) {
    const token = text[at];
    if (token === '{' || token === '[') {
      depth += 1;
      // A second "labels" replaces the first, as it does for JSON.parse.
      if (depth === 2 && field === 'labels') names = [];
    } else if (token === '}' || token === ']') {
      depth -= 1;
    } else if (token === '"') {
      const end = endOfString(text, at);
      word = text.slice(at, end);
      at = end - 1;
    } else if (token !== ':') {
      continue;
    } else if (depth === 1) {
      field = nameOf(word);
    } else if (depth === 2 && field === 'labels') {
      names.push(nameOf(word));
    }
  }
  return names;
}

/** Behind the quote that closes the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
}

function nameOf(token: string): string {
  return token.includes('\\') ? String(JSON.parse(token)) : token.slice(1, -1);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function wrongField(path: string, problem: string, remedy: string): LbcapError {
  return new LbcapError('REGISTRY_INVALID', `${path}: ${problem}`, remedy, { details: { path } });
}

function invalid(path: string, problem: string, remedy: string): LbcapError {
  return new LbcapError('REGISTRY_INVALID', `${path} ${problem}`, remedy, { details: { path } });
}

/** Loads what `assembly/` has: loops that look at every packet, in WebAssembly over an arena's memory. */
import { readFileSync } from 'node:fs';
import type { Arena } from './arena.js';
import { webAssembly, type WasmModule } from './web-assembly.js';

type Name = 'plain-walk' | 'enhanced-row';

/**
 * What the module exports. Each user gets one of its own, since it has settings. `null` where the arena is no
 * memory that WebAssembly can reach, or reaches beyond what signed offsets can say: then all is done without it.
 */
export function loadWalk(name: Name, { memory, bytes }: Arena): unknown {
  if (memory === undefined || bytes.length > 0x7fff_ffff) return null;
  return new webAssembly.Instance(program(name), { env: { memory } }).exports;
}

const compiled = new Map<Name, WasmModule>();

function program(name: Name): WasmModule {
  const known = compiled.get(name);
  if (known !== undefined) return known;
  // Near this file, and in the bundle beside it.
  const folder = import.meta.url.endsWith('.cjs') ? '.' : '../assembly';
  const bytes = readFileSync(new URL(`${folder}/${name}.wasm`, import.meta.url));
  const fresh = new webAssembly.Module(bytes);
  compiled.set(name, fresh);
  return fresh;
}

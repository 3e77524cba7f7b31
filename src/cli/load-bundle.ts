/** Loads a bundle, with what V8 has kept of compiling it: half of the time that a command takes to start. */
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Script } from 'node:vm';

type Wrapper = (
  exports: unknown,
  require: NodeJS.Require,
  module: { exports: unknown },
  filename: string,
  dirname: string,
) => void;

/**
 * @param path of a CommonJS file
 * @returns what it exports
 */
export function loadBundle(path: string): unknown {
  const script = process.env['LBCAP_DEBUG'] ? null : compileCached(path);
  return script === null ? createRequire(path)(path) : evaluate(script, path);
}

/**
 * Where the build leaves V8's code cache of a bundle (.ci/code-cache.ts). It holds for the Node that made it,
 * told by its version and by the size of its executable; every other finds no file, and goes without.
 * @throws the system's error
 */
export function codeCachePath(path: string): string {
  const { size } = statSync(process.execPath);
  return `${path}.${process.version}-${process.arch}-${size}.cache`;
}

export function compile(path: string, cachedData?: Buffer): Script {
  // Bundles are ASCII: V8 keeps one byte for each character, and nothing is decoded.
  const source = readFileSync(path, 'latin1');
  // As Node itself does for CommonJS.
  return new Script(`(function (exports, require, module, __filename, __dirname) {${source}\n})`, {
    filename: path,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
}

/** @returns what the bundle exports */
export function evaluate(script: Script, path: string): unknown {
  const module = { exports: {} };
  const run = script.runInThisContext() as Wrapper;
  run(module.exports, createRequire(path), module, path, dirname(path));
  return module.exports;
}

/** `null` where there is no cache, or V8 will not have it, as with other flags (NODE_OPTIONS). */
function compileCached(path: string): Script | null {
  let cached: Buffer;
  try {
    cached = readFileSync(codeCachePath(path));
  } catch {
    return null;
  }
  const script = compile(path, cached);
  return script.cachedDataRejected === true ? null : script;
}

/** Loads koffi, the foreign function interface, at first use and never before. */
import { LbcapError, messageOf } from '../errors.js';

export type Koffi = (typeof import('koffi'))['default'];

let loading: Promise<Koffi> | undefined;

/**
 * koffi's module. Its platform binary is an optional npm package, so it may be missing where npm
 * was told to leave optional packages out or where nobody built one: `ENGINE_MISSING`.
 */
export function loadKoffi(): Promise<Koffi> {
  loading ??= import('koffi').then(
    (module) => module.default,
    (cause: unknown) => {
      throw new LbcapError(
        'ENGINE_MISSING',
        `koffi, which calls libpcap, cannot be loaded on ${process.arch} (${messageOf(cause)})`,
        'install lbcap again with optional packages (npm install --include=optional), or pipe a capture in: lbcap watch -r -',
        { cause },
      );
    },
  );
  return loading;
}

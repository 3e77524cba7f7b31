/**
 * `code-cache.js BUNDLE`: runs what a bundle is mostly loaded for, then leaves beside it what V8 has compiled.
 * A process of its own, which the build starts: what a bundle does on loading is not undone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ethernet, ipv4, pcapFile, udp } from '../fixtures/frames.js';
import { codeCachePath, compile, evaluate } from '../src/cli/load-bundle.js';

interface Bundle {
  main?(words: readonly string[]): Promise<void>;
}

// Under sudo a command becomes its caller, for good: what is made here is whose this process is.
delete process.env['SUDO_UID'];
delete process.env['SUDO_GID'];

const path = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), 'lbcap-'));
try {
  const script = compile(path);
  const bundle = evaluate(script, path) as Bundle;
  for (const words of usual(folder)) await bundle.main?.(['node', 'lbcap', ...words]);
  if (![undefined, 0].includes(process.exitCode as number | undefined))
    throw new Error(`${path} failed`);
  writeFileSync(codeCachePath(path), script.createCachedData());
} finally {
  rmSync(folder, { recursive: true });
}

/** Commands that need neither rights nor traffic. */
function usual(folder: string): string[][] {
  const capture = join(folder, 'capture.pcap');
  const packet = (from: string) => ethernet(0x800, ipv4(from, '127.0.0.1', udp(4000, 9092)));
  const data = ['127.0.0.2', '127.0.0.3', '127.0.0.4'].map((from) => ({ data: packet(from) }));
  writeFileSync(capture, pcapFile(data));
  // Whoever builds may have a registry, with labels that overlap these.
  const registry = join(folder, 'lbcap.json');
  writeFileSync(registry, '{"labels":{}}');
  const labels = ['--labels', registry, '-l', 'a=127.0.0.2', '-l', 'b=127.0.0.3'];
  const to = (name: string) => ['-o', join(folder, name)];
  const split = ['split', capture, ...labels];
  return path.includes('split-program')
    ? [
        [...split, ...to('records')],
        [...split, ...to('blocks'), '--format', 'pcapng'],
      ]
    : [['watch', '-r', capture, ...labels, ...to('watched')]];
}

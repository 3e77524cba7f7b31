/** libpcap: loaded at first use and not before; missing, it says how to get it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { platform } from '../../src/loopback/platform.js';
import { breakLoopWakes } from '../../src/native/library.js';
import { libpcapVersion } from '../../src/native/libpcap.js';

const nativeModule = new URL('../../src/native/libpcap.js', import.meta.url).href;
const liveModule = new URL('../../src/sources/live.js', import.meta.url).href;

test('importing loads neither koffi nor libpcap, the first use loads both', (t) => {
  if (platform() !== 'linux') {
    t.skip('reads /proc/self/maps');
    return;
  }
  const output = run(`
    import { readFileSync } from 'node:fs';
    const native = await import(${JSON.stringify(nativeModule)});
    await import(${JSON.stringify(liveModule)});
    const loaded = () => ['koffi', 'libpcap'].map((name) =>
      readFileSync('/proc/self/maps', 'utf8').includes(name));
    const before = loaded();
    await native.libpcapVersion();
    console.log(JSON.stringify([before, loaded()]));`);
  assert.deepEqual(JSON.parse(output), [
    [false, false],
    [true, true],
  ]);
});

test('a libpcap that is not there: a code and one line', () => {
  const output = run(
    `const { libpcapVersion } = await import(${JSON.stringify(nativeModule)});
     await libpcapVersion().catch((error) => console.log(JSON.stringify([error.code, error.message])));`,
    { LBCAP_LIBPCAP: '/nonexistent/libpcap.so' },
  );
  const [code, message] = JSON.parse(output) as [string, string];
  assert.equal(code, 'LIBPCAP_MISSING');
  assert.match(
    message,
    /^LBCAP_LIBPCAP names \/nonexistent\/libpcap\.so, .*: unset it or mend it$/,
  );
});

test('a library that is no libpcap: the first symbol that it lacks', (t) => {
  if (platform() !== 'linux') {
    t.skip('needs a library by its Linux name');
    return;
  }
  const output = run(
    `const { libpcapVersion } = await import(${JSON.stringify(nativeModule)});
     await libpcapVersion().catch((error) => console.log(JSON.stringify([error.code, error.message])));`,
    { LBCAP_LIBPCAP: 'libm.so.6' },
  );
  const [code, message] = JSON.parse(output) as [string, string];
  assert.equal(code, 'LIBPCAP_MISSING');
  assert.match(message, /has no pcap_lib_version, which came with 0\.8: /);
});

test('the version is what tcpdump says of the same library', async (t) => {
  const tcpdump = spawnSync('tcpdump', ['--version'], { encoding: 'utf8' });
  if (tcpdump.error !== undefined) {
    t.skip('tcpdump is not installed');
    return;
  }
  const version = await libpcapVersion();
  assert.ok((tcpdump.stdout + tcpdump.stderr).includes(version), version);
});

test('who wakes on pcap_breakloop', () => {
  assert.equal(breakLoopWakes('libpcap version 1.10.3 (with TPACKET_V3)', 'linux'), true);
  assert.equal(breakLoopWakes('libpcap version 1.11.0-PRE-GIT', 'linux'), true);
  assert.equal(breakLoopWakes('libpcap version 2.0', 'linux'), true);
  assert.equal(breakLoopWakes('libpcap version 1.9.1 (with TPACKET_V3)', 'linux'), false);
  assert.equal(breakLoopWakes('libpcap of somebody', 'linux'), false);
  assert.equal(breakLoopWakes('libpcap version 1.9.1 -- Apple version 91', 'darwin'), true);
});

function run(source: string, env: NodeJS.ProcessEnv = {}): string {
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', source], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  assert.equal(child.status, 0, child.stderr);
  return child.stdout;
}

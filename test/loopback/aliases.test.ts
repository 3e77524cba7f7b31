/**
 * The commands that change loopback addresses, on all systems, by a runner that records them.
 *
 * What is expected is from the manual pages: ip-address(8) of iproute2; ifconfig(8) of macOS
 * (network_cmds: `alias`, `-alias` "remove the network address specified", `inet6 … prefixlen`) and of
 * FreeBSD 14 (`alias`: on the subnet of the first address "a non-conflicting netmask must be given,
 * usually 0xffffffff is most appropriate"); launchd.plist(5). Only Linux's were also run.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';
import { aliasAdd, aliasList, aliasRemove } from '../../src/cli/actions/alias.js';
import { sweep } from '../../src/cli/alias-sweep.js';
import type { AliasContext } from '../../src/cli/alias-context.js';
import { LbcapError } from '../../src/errors.js';
import { parseAddress } from '../../src/labels/address.js';
import type { LoopbackAddress } from '../../src/loopback/addresses.js';
import { writeRecord } from '../../src/loopback/alias-records.js';
import { aliasSystem } from '../../src/loopback/alias-system.js';
import type { Platform } from '../../src/loopback/platform.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-alias-'));
after(() => rmSync(root, { recursive: true }));
let count = 0;
let folder = '';
beforeEach(() => {
  folder = join(root, String(count++));
});
const labels = ['--labels', join(root, 'none.json')];
writeFileSync(join(root, 'none.json'), '{"labels":{}}');

interface Recorded extends AliasContext {
  readonly commands: string[];
  readonly printed: string[];
  readonly said: string[];
  readonly files: Map<string, string>;
}

/** A machine whose addresses change as its commands say. */
function machine(
  platform: Platform,
  fails: (command: string) => boolean = () => false,
  existing = platform === 'linux'
    ? ['127.0.0.1/8', '::1/128']
    : ['127.0.0.1/8', '::1/128', 'fe80::1/64'],
): Recorded {
  const there = new Map(existing.map((text) => [text.split('/')[0], Number(text.split('/')[1])]));
  const commands: string[] = [];
  const printed: string[] = [];
  const said: string[] = [];
  const files = new Map<string, string>();
  return {
    ...{ commands, printed, said, files },
    system: aliasSystem(platform),
    run: (words) => {
      const command = words.join(' ');
      commands.push(command);
      if (fails(command)) throw new LbcapError('ALIAS_FAILED', `${command} failed (no)`);
      const address = words.find(
        (word) => /^[0-9a-f.:]+(\/\d+)?$/.test(word) && /[.:]/.test(word),
      )!;
      const [text] = address.split('/');
      if (/ -alias| del /.test(command)) there.delete(text);
      else there.set(text, text.includes(':') ? 128 : 32);
    },
    addresses: () =>
      [...there].map(([text, prefix]): LoopbackAddress => ({
        ...parseAddress(text)!,
        text,
        prefix,
      })),
    folders: [folder],
    network: 'this one',
    markOf: (pid) => (pid === process.pid ? `${pid}-1` : null),
    writeFile: (path, text) => files.set(path, text),
    removeFile: (path) => files.delete(path),
    print: (line) => printed.push(line),
    say: (line) => said.push(line),
  };
}

const options = { labels: labels[1] };

describe('macOS', () => {
  test('adds what is missing, each by a command, and removes what is there', async () => {
    const mac = machine('darwin');
    assert.equal(await aliasAdd(['127.0.0.1-127.0.0.3', 'fd00::2'], options, mac), 0);
    assert.deepEqual(mac.commands, [
      'ifconfig lo0 alias 127.0.0.2 up',
      'ifconfig lo0 alias 127.0.0.3 up',
      'ifconfig lo0 inet6 fd00::2 prefixlen 128 alias',
    ]);
    mac.commands.length = 0;
    aliasRemove(['127.0.0.0/30', 'fd00::2', 'fe80::1'], options, mac);
    assert.deepEqual(mac.commands, [
      'ifconfig lo0 -alias 127.0.0.2',
      'ifconfig lo0 -alias 127.0.0.3',
      'ifconfig lo0 inet6 fd00::2 -alias',
    ]);
    assert.equal(mac.said.filter((line) => /the system's own/.test(line)).length, 2);
  });

  test('labels: by name, all of them, with ports, without doubles; --dry-run runs nothing', async () => {
    const mac = machine('darwin');
    const given = { ...options, label: ['a=127.0.0.2:80,127.0.0.2:81', 'b=127.0.0.4/31'] };
    await aliasAdd([], { ...given, dryRun: true }, mac);
    assert.deepEqual(mac.printed, [
      'ifconfig lo0 alias 127.0.0.2 up',
      'ifconfig lo0 alias 127.0.0.4 up',
      'ifconfig lo0 alias 127.0.0.5 up',
    ]);
    await aliasAdd(['b'], { ...given, dryRun: true }, mac);
    assert.equal(mac.printed.length, 5);
    assert.deepEqual(mac.commands, []);
    mac.printed.length = 0;
    await aliasList(given, mac);
    assert.deepEqual(mac.printed, [
      '127.0.0.2\ta\tmissing',
      '127.0.0.4/31\tb\tmissing',
      '127.0.0.1/8\t-\tpresent',
      '::1/128\t-\tpresent',
      'fe80::1/64\t-\tpresent',
    ]);
  });

  test('--persist prints the launchd file, then writes it; rm --persist removes it', async () => {
    const mac = machine('darwin');
    await aliasAdd(['127.0.0.2', '127.0.0.3'], { ...options, persist: true }, mac);
    const path = '/Library/LaunchDaemons/lbcap.alias.plist';
    const text = mac.files.get(path) ?? '';
    assert.equal(`${mac.printed.join('\n')}\n`, text);
    assert.match(text, /^<\?xml .*<key>RunAtLoad<\/key>\s*<true\/>/s);
    assert.match(
      text,
      /<string>\/sbin\/ifconfig lo0 alias 127\.0\.0\.2 up; \/sbin\/ifconfig lo0 alias 127\.0\.0\.3 up<\/string>/,
    );
    aliasRemove(['127.0.0.2'], { ...options, persist: true }, mac);
    assert.equal(mac.files.size, 0);
  });

  test('one that cannot be added: those before it go again, those that were there stay', async () => {
    const mac = machine('darwin', (command) => command.includes('127.0.0.4'));
    await aliasAdd(['127.0.0.2'], options, mac);
    mac.commands.length = 0;
    await assert.rejects(aliasAdd(['127.0.0.2-127.0.0.5'], options, mac), /127\.0\.0\.4 up failed/);
    assert.deepEqual(mac.commands.slice(2), ['ifconfig lo0 -alias 127.0.0.3']);
    assert.deepEqual(
      mac.addresses().map(({ text }) => text),
      ['127.0.0.1', '::1', 'fe80::1', '127.0.0.2'],
    );
  });
});

test('FreeBSD: a host netmask, and the family named', async () => {
  const bsd = machine('freebsd');
  await aliasAdd(['127.0.0.2', 'fd00::2'], options, bsd);
  aliasRemove(['127.0.0.2', 'fd00::2'], options, bsd);
  assert.deepEqual(bsd.commands, [
    'ifconfig lo0 inet 127.0.0.2 netmask 255.255.255.255 alias',
    'ifconfig lo0 inet6 fd00::2 prefixlen 128 alias',
    'ifconfig lo0 inet 127.0.0.2 -alias',
    'ifconfig lo0 inet6 fd00::2 -alias',
  ]);
  await assert.rejects(aliasAdd(['127.0.0.2'], { ...options, persist: true }, bsd), /sysrc/);
});

test('Linux: nothing for 127.0.0.0/8, which it says; IPv6 by ip', async () => {
  const linux = machine('linux');
  await aliasAdd(['127.0.0.2', '127.0.0.0/8', 'fd00::2', '10.1.2.3'], options, linux);
  assert.deepEqual(linux.commands, [
    'ip address add fd00::2/128 dev lo',
    'ip address add 10.1.2.3/32 dev lo',
  ]);
  assert.match(linux.said[0] ?? '', /already there: .*all of 127\.0\.0\.0\/8 from the start/);
  aliasRemove(['127.0.0.2', '127.0.0.1', 'fd00::2'], options, linux);
  assert.deepEqual(linux.commands.slice(2), ['ip address del fd00::2/128 dev lo']);
});

test('wrong words touch nothing', async () => {
  const mac = machine('darwin');
  const cases: readonly (readonly [what: string[], code: string, more?: object])[] = [
    [[], 'LABEL_NONE'],
    [['nobody'], 'LABEL_UNKNOWN'],
    [['127.0.0.256'], 'LABEL_ADDRESS'],
    [['127.0.0.0/19', '127.1.0.0/24'], 'USAGE'],
    [['fd00::/8'], 'USAGE'],
    [[], 'USAGE', { forSession: true }],
    [['true'], 'USAGE', { forSession: true, persist: true }],
  ];
  for (const [what, code, more] of cases) {
    await assert.rejects(
      aliasAdd(what, { ...options, ...more }, mac),
      (error) => error instanceof LbcapError && error.code === code,
      what.join(' '),
    );
  }
  assert.deepEqual(mac.commands, []);
  assert.throws(() => aliasSystem('netbsd'), /ifconfig\(8\)/);
  const down = machine('linux', undefined, []);
  await assert.rejects(aliasAdd(['fd00::2'], options, down), /it is down: ip link set lo up/);
});

describe('records of sessions', () => {
  const record = (pid: number, added: string[], uses = added, network = 'this one') =>
    writeRecord([folder], { pid, mark: `${pid}-1`, network, uses, added });
  const left = () => readdirSync(folder).sort();

  test('what a killed session added goes, what it found stays', async () => {
    const mac = machine('darwin');
    await aliasAdd(['127.0.0.2-127.0.0.3'], options, mac);
    mac.commands.length = 0;
    record(4_000_001, ['127.0.0.3', '127.0.0.9'], ['127.0.0.2', '127.0.0.3', '127.0.0.9']);
    sweep(mac);
    assert.deepEqual(mac.commands, ['ifconfig lo0 -alias 127.0.0.3']);
    assert.deepEqual(left(), []);
  });

  test('what a session that lives relies on stays until that ends', async () => {
    const mac = machine('darwin');
    await aliasAdd(['127.0.0.2'], options, mac);
    mac.commands.length = 0;
    record(4_000_001, ['127.0.0.2']);
    record(process.pid, [], ['127.0.0.2']);
    sweep(mac);
    assert.deepEqual(mac.commands, []);
    assert.equal(left().length, 2);
    sweep(mac, process.pid);
    assert.deepEqual(mac.commands, ['ifconfig lo0 -alias 127.0.0.2']);
    assert.deepEqual(left(), []);
  });

  test('another loopback’s, a process id that is somebody else’s now, and no records', () => {
    const mac = machine('darwin', undefined, ['127.0.0.1/8', '127.0.0.2/8']);
    record(4_000_001, ['127.0.0.2'], undefined, 'another boot');
    sweep(mac);
    assert.deepEqual(mac.commands, []);
    writeRecord([folder], {
      ...{ pid: process.pid, mark: 'an earlier process', network: 'this one' },
      ...{ uses: ['127.0.0.2'], added: ['127.0.0.2'] },
    });
    sweep(mac);
    assert.deepEqual(mac.commands, ['ifconfig lo0 -alias 127.0.0.2']);
  });

  test('a hostile record harms nobody', () => {
    const mac = machine('darwin');
    mkdirSync(folder);
    const texts = [
      '',
      '[]',
      'null',
      '{"pid":4000001,"mark":"x","network":"this one","uses":[],"added":["-a"]}',
      '{"pid":4000001,"mark":"x","network":"this one","uses":[],"added":["127.0.0.1; rm"]}',
      '{"pid":4000001,"mark":"x","network":"this one","uses":[],"added":["127.0.0.1"]}',
    ];
    for (const [index, text] of texts.entries())
      writeFileSync(join(folder, `alias-${index}.json`), text);
    sweep(mac);
    assert.deepEqual(mac.commands, []);
  });

  test('a folder that cannot be written: the next; none: an error', () => {
    writeFileSync(join(root, 'file'), '');
    const entry = { pid: 1, mark: '1-1', network: '', uses: [], added: [] };
    assert.equal(
      writeRecord([join(root, 'file'), folder], entry).path,
      join(folder, 'alias-1.json'),
    );
    assert.throws(() => writeRecord([join(root, 'file')], entry), /XDG_RUNTIME_DIR/);
  });
});

/** `lbcap label` as a user calls it. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { lacking } from '../requirements.js';
import { complaints, lbcap, lbcapPath, type Ended } from './lbcap.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-label-'));
after(() => {
  rmSync(root, { recursive: true });
});

let cwd = '';
let count = 0;
let env: NodeJS.ProcessEnv = {};
beforeEach(() => {
  cwd = join(root, String((count += 1)));
  mkdirSync(cwd);
  env = { ...process.env, HOME: join(cwd, 'home'), XDG_CONFIG_HOME: join(cwd, 'config') };
  delete env['SUDO_UID'];
});
const ownRegistry = (): string => join(cwd, 'config', 'lbcap', 'labels.json');

const label = (...words: string[]): Ended => lbcap(['label', ...words], { cwd, env });

function printed(...words: string[]): string {
  const ended = label(...words);
  assert.equal(ended.status, 0, ended.stderr);
  assert.deepEqual(complaints(ended), []);
  return ended.stdout;
}

function assertRefused(ended: Ended, status: 1 | 2, ...words: RegExp[]): void {
  assert.equal(ended.status, status, ended.stderr);
  assert.equal(ended.stdout, '');
  assert.match(ended.stderr, /^lbcap: [^\n]*\n$/);
  for (const word of words) assert.match(ended.stderr, word);
}

describe('lbcap label', () => {
  it('adds, lists and removes, in the user’s own registry', () => {
    assert.equal(printed('add', 'kafka-client'), 'kafka-client\t127.0.0.2\n');
    assert.equal(printed('add', 'loadgen', '127.0.1.0/28,::1'), 'loadgen\t127.0.1.0/28,::1\n');
    assert.equal(printed('add', '7'), '7\t127.0.0.3\n');
    assert.equal(
      readFileSync(ownRegistry(), 'utf8'),
      '{\n  "labels": {\n    "kafka-client": "127.0.0.2",\n' +
        '    "loadgen": ["127.0.1.0/28", "::1"],\n    "7": "127.0.0.3"\n  }\n}\n',
    );
    assert.equal(
      printed('ls'),
      'kafka-client\t127.0.0.2\nloadgen\t127.0.1.0/28,::1\n7\t127.0.0.3\n',
    );
    assert.equal(printed('rm', 'kafka-client'), '');
    assert.equal(
      printed('ls', '--json'),
      '{"name":"loadgen","address":"127.0.1.0/28,::1"}\n{"name":"7","address":"127.0.0.3"}\n',
    );
    assert.equal(printed('add', 'next'), 'next\t127.0.0.2\n');
  });

  it('uses lbcap.json of the directory or one above', () => {
    writeFileSync(join(cwd, 'lbcap.json'), '{"team": "core", "labels": {}}');
    mkdirSync(join(cwd, 'deep', 'er'), { recursive: true });
    const added = lbcap(['label', 'add', 'a'], { cwd: join(cwd, 'deep', 'er'), env });
    assert.match(added.stderr, /added to .*lbcap\.json/);
    assert.match(
      readFileSync(join(cwd, 'lbcap.json'), 'utf8'),
      /"team": "core"[^]*"a": "127\.0\.0\.2"/,
    );
    assert.ok(!existsSync(ownRegistry()));
  });

  it('--labels names another file, which add creates', () => {
    printed('add', 'a', '--labels', 'lbcap.json');
    assert.equal(printed('ls'), 'a\t127.0.0.2\n');
    assertRefused(label('ls', '--labels', 'absent.json'), 1, /absent\.json/);
    assertRefused(label('rm', 'a', '--labels', 'absent.json'), 1, /absent\.json/);
    assertRefused(
      label('add', 'a', '--labels', 'no/such/dir.json'),
      1,
      /no\/such\/dir\.json/,
      /create/,
    );
  });

  it('says where it looked when there are none', () => {
    const { status, stdout, stderr } = label('ls');
    assert.deepEqual([status, stdout], [0, '']);
    assert.match(stderr, /no labels in .*labels\.json: add one with lbcap label add NAME/);
    assert.ok(!existsSync(join(cwd, 'config')), 'looking makes no directories');
  });

  it('lists as a table on a terminal', { skip: lacking('python3') }, () => {
    printed('add', 'kafka-client');
    const program = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
    const { stdout, status } = spawnSync(
      'python3',
      ['-c', program, process.execPath, lbcapPath, 'label', 'ls'],
      { cwd, env, encoding: 'utf8' },
    );
    assert.equal(status, 0);
    assert.match(stdout, /label +│ address/);
    assert.match(stdout, /kafka-client │ 127\.0\.0\.2/);
  });

  it('gives each of many at once an address of its own', async () => {
    const children = Array.from({ length: 6 }, (_, index) =>
      spawn(process.execPath, [lbcapPath, 'label', 'add', `n${index}`], {
        cwd,
        env,
        stdio: 'ignore',
      }),
    );
    const codes = await Promise.all(
      children.map(async (child) => ((await once(child, 'exit')) as [number])[0]),
    );
    assert.deepEqual(codes, [0, 0, 0, 0, 0, 0]);
    const lines = printed('ls').trimEnd().split('\n');
    const addresses = lines.map((line) => line.split('\t')[1]).sort();
    assert.deepEqual(
      addresses,
      [2, 3, 4, 5, 6, 7].map((last) => `127.0.0.${last}`),
    );
  });

  it('imports the loopback names of a hosts file', () => {
    writeFileSync(
      join(cwd, 'hosts'),
      '127.0.0.1 localhost\n127.0.0.9 kafka k\n::1 ip6-localhost\n127.0.0.8 db\n',
    );
    printed('add', 'mine', '127.0.0.8');
    const ended = label('import', '--hosts', 'hosts');
    assert.equal(ended.status, 0);
    assert.equal(ended.stdout, 'kafka\t127.0.0.9\n');
    assert.match(ended.stderr, /left out localhost \(127\.0\.0\.1\)/);
    assert.match(ended.stderr, /left out db \(127\.0\.0\.8\): label mine has/);
    assert.match(ended.stderr, /took 1 label from hosts/);
    assert.equal(printed('ls'), 'mine\t127.0.0.8\nkafka\t127.0.0.9\n');
    assert.match(label('import', '--hosts', 'hosts').stderr, /took 0 labels/);
    assertRefused(label('import', '--hosts', 'absent'), 1, /absent/, /--hosts FILE/);
  });

  it('has help with examples', () => {
    for (const words of [['--help'], ['add', '--help'], ['import', '--help']]) {
      assert.match(printed(...words), /Examples?:/);
    }
  });
});

describe('lbcap label refuses', () => {
  it('a name or address that is wrong, and touches nothing', () => {
    assertRefused(label('add', '../x'), 2, /"\.\.\/x"/);
    assertRefused(label('add', 'a/b', '127.0.0.2'), 2, /"a\/b"/);
    assertRefused(label('add', '', '127.0.0.2'), 2, /empty name/);
    assertRefused(label('add', 'x'.repeat(300)), 2, /63/);
    assertRefused(label('add', 'a', '127.0.0.256'), 2, /127\.0\.0\.256/);
    assertRefused(label('add', 'a', ''), 2, /no address/);
    assert.ok(!existsSync(join(cwd, 'config')));
  });

  it('a name that is there, and an address that another has', () => {
    printed('add', 'a', '127.0.0.2');
    const before = readFileSync(ownRegistry(), 'utf8');
    assertRefused(label('add', 'a', '127.0.0.3'), 2, /"a"/, /label rm a/);
    assertRefused(label('add', 'b', '127.0.0.0/30'), 2, /"a"/, /"b"/, /127\.0\.0\.2/);
    assert.equal(readFileSync(ownRegistry(), 'utf8'), before);
  });

  it('to remove what is not there', () => {
    assertRefused(label('rm', 'a'), 2, /no label "a"/);
    assert.ok(!existsSync(join(cwd, 'config')));
    printed('add', 'b');
    assertRefused(label('rm', 'a'), 2, /no label "a"/);
  });

  it('a registry that is damaged, and leaves it as it is', () => {
    const path = join(cwd, 'lbcap.json');
    for (const text of ['{', '{"labels": []}', '{"labels": {"a": 1}}', '{"labels": {"a": "x"}}']) {
      writeFileSync(path, text);
      assertRefused(label('ls'), 2, /lbcap\.json/);
      assertRefused(label('add', 'b'), 2, /lbcap\.json/);
      assert.equal(readFileSync(path, 'utf8'), text);
    }
  });

  it(
    'a registry that it may not read or write',
    { skip: lacking('setpriv') || (process.geteuid?.() !== 0 && 'needs root') },
    () => {
      chmodSync(root, 0o755);
      const path = join(cwd, 'lbcap.json');
      writeFileSync(path, '{"labels": {"a": "127.0.0.2"}}', { mode: 0o600 });
      const asNobody = (...words: string[]): Ended => {
        const priv = [
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          process.execPath,
          lbcapPath,
        ];
        const { status, stdout, stderr } = spawnSync('setpriv', [...priv, 'label', ...words], {
          cwd,
          env,
          encoding: 'utf8',
        });
        return { status, stdout, stderr };
      };
      assertRefused(asNobody('ls'), 1, /lbcap\.json \(permission denied\)/);
      chmodSync(path, 0o644);
      assertRefused(
        asNobody('add', 'b'),
        1,
        /cannot write .*lbcap\.json \(permission denied\)/,
        /--labels FILE/,
      );
    },
  );

  it('commands and words that it does not know', () => {
    assertRefused(label('bogus'), 2, /bogus/);
    assertRefused(label('add'), 2, /name/);
    assertRefused(label('rm'), 2, /name/);
    assertRefused(label('ls', '--bogus'), 2, /--bogus/);
  });
});

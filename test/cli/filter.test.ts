/** `lbcap filter` as a user and a script call it. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { lacking } from '../requirements.js';
import { complaints, lbcap, lbcapPath, type Ended } from './lbcap.js';

const root = mkdtempSync(join(tmpdir(), 'lbcap-filter-'));
after(() => {
  rmSync(root, { recursive: true });
});
const env = { ...process.env, HOME: root, XDG_CONFIG_HOME: join(root, 'config') };

const filter = (...words: string[]): Ended => lbcap(['filter', ...words], { cwd: root, env });

function printed(...words: string[]): string {
  const { status, stdout, stderr } = filter(...words);
  assert.equal(stderr, '');
  assert.equal(status, 0);
  return stdout;
}

function assertRefused({ status, stdout, stderr }: Ended, ...words: RegExp[]): void {
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.match(stderr, /^lbcap: [^\n]*\n$/);
  for (const word of words) assert.match(stderr, word);
}

describe('lbcap filter', () => {
  it('prints a name and both filters for each label', () => {
    assert.equal(
      printed('--label', 'kafka-client=127.0.0.2', '-l', 'b=127.0.1.0/28'),
      'kafka-client (127.0.0.2)\n  BPF        host 127.0.0.2\n  Wireshark  ip.addr==127.0.0.2\n' +
        'b (127.0.1.0/28)\n  BPF        net 127.0.1.0/28\n  Wireshark  ip.addr==127.0.1.0/28\n',
    );
  });

  it('--for prints the text for one tool and nothing else', () => {
    const label = 'kafka-client=127.0.0.2';
    assert.equal(printed('--label', label, '--for', 'wireshark'), 'ip.addr==127.0.0.2\n');
    assert.equal(printed('--label', label, '--for', 'bpf'), 'host 127.0.0.2\n');
    assert.equal(printed('--for=bpf', `--label=${label}`), 'host 127.0.0.2\n');
    assert.equal(
      printed('-l', label, '-l', 'b=::1', '--for', 'wireshark'),
      'ip.addr==127.0.0.2 || ipv6.addr==::1\n',
    );
  });

  it('--each prints a line for each label', () => {
    const labels = ['-l', 'z=127.0.0.2', '-l', 'a=::1'];
    assert.equal(printed(...labels, '--for', 'bpf', '--each'), 'z\thost 127.0.0.2\na\thost ::1\n');
    assert.equal(
      printed(...labels, '--each'),
      'z\thost 127.0.0.2\tip.addr==127.0.0.2\na\thost ::1\tipv6.addr==::1\n',
    );
  });

  it('--json with --for prints the expression, or one for each label', () => {
    const words = ['-l', 'a=127.0.0.2', '-l', 'b=127.0.0.3', '--json', '--for', 'bpf'];
    assert.deepEqual(JSON.parse(printed(...words)), {
      names: ['a', 'b'],
      for: 'bpf',
      expression: 'host 127.0.0.2 or host 127.0.0.3',
    });
    const lines = printed(...words, '--each')
      .trimEnd()
      .split('\n');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { expression: string }).expression),
      ['host 127.0.0.2', 'host 127.0.0.3'],
    );
  });

  it('--json prints an object a line', () => {
    const lines = printed('-l', 'a=127.0.0.2', '-l', 'b=::1', '--json').trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [
        { name: 'a', address: '127.0.0.2', bpf: 'host 127.0.0.2', wireshark: 'ip.addr==127.0.0.2' },
        { name: 'b', address: '::1', bpf: 'host ::1', wireshark: 'ipv6.addr==::1' },
      ],
    );
  });

  it('--for tcpdump prints a command that a shell runs', { skip: lacking('tcpdump') }, () => {
    const command = printed(
      '-l',
      'a=[::1]:9092,127.0.0.2',
      '--for',
      'tcpdump',
      '-i',
      'any',
    ).trimEnd();
    assert.match(command, /^tcpdump -i any '[^']*host 127\.0\.0\.2'$/);
    const code = execFileSync('sh', ['-c', `${command} -y EN10MB -d`.replace('-i any ', '')], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    assert.match(code, /0x7f000002/);
  });

  it('--for tshark prints a command with both filters', () => {
    assert.match(
      printed('-l', 'a=127.0.0.2', '--for', 'tshark'),
      /^tshark -i lo0? -f 'host 127\.0\.0\.2' -Y 'ip\.addr==127\.0\.0\.2'\n$/,
    );
    assert.match(printed('-l', 'a=127.0.0.2', '--for', 'tshark', '-i', "it's"), /-i 'it'\\''s' /);
  });

  it('takes the labels of the registry, and -l on top', () => {
    const project = join(root, 'project');
    mkdirSync(join(project, 'src'), { recursive: true });
    writeFileSync(
      join(project, 'lbcap.json'),
      '{"labels": {"one": "127.0.0.5", "2": "127.0.0.6"}}',
    );
    const from = (cwd: string, ...words: string[]): string =>
      lbcap(['filter', '--for', 'bpf', '--each', ...words], { cwd, env }).stdout;
    assert.equal(from(join(project, 'src')), 'one\thost 127.0.0.5\n2\thost 127.0.0.6\n');
    assert.equal(
      from(project, '-l', 'one=127.0.0.7', '-l', 'new=127.0.0.5'),
      '2\thost 127.0.0.6\none\thost 127.0.0.7\nnew\thost 127.0.0.5\n',
    );
    assert.equal(
      from(root, '--labels', 'project/lbcap.json'),
      'one\thost 127.0.0.5\n2\thost 127.0.0.6\n',
    );
  });

  it('says the same however its words are written', () => {
    const same = [
      ['--label', 'a=127.0.0.2', '--for', 'bpf'],
      ['-l', 'a=127.0.0.2', '--for=bpf'],
      ['-la=127.0.0.2', '--for', 'bpf'],
      ['--for', 'wireshark', '--for', 'bpf', '--label=a=127.0.0.2'],
      ['--label', 'a=127.0.0.2', '--for', 'bpf', '--'],
    ];
    for (const words of same) assert.equal(printed(...words), 'host 127.0.0.2\n', words.join(' '));
  });

  it('ends quietly when nobody reads on', () => {
    const labels = Array.from(
      { length: 2000 },
      (_, index) => `-l n${index}=127.1.${index >> 8}.${index & 255}`,
    );
    const script = `"$0" "$1" filter ${labels.join(' ')} | head -1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, lbcapPath], {
      encoding: 'utf8',
      env,
      cwd: root,
    });
    assert.equal(stderr, '');
    assert.equal(stdout, 'n0 (127.1.0.0)\n0\n');
  });

  it('takes just one label of the registry by its name', () => {
    const project = join(root, 'chosen');
    mkdirSync(project);
    writeFileSync(
      join(project, 'lbcap.json'),
      '{"labels": {"a": "127.0.0.2", "b": "127.0.0.3", "c": "127.0.0.4"}}',
    );
    const chosen = (...words: string[]) =>
      filter('--labels', join(project, 'lbcap.json'), '--for', 'bpf', ...words).stdout;
    assert.equal(chosen('-l', 'b'), 'host 127.0.0.3\n');
    assert.equal(
      chosen('-l', 'c', '-l', 'a', '-l', 'x=127.0.0.9'),
      'host 127.0.0.2 or host 127.0.0.4 or host 127.0.0.9\n',
    );
    assertRefused(filter('--labels', join(project, 'lbcap.json'), '-l', 'd'), /"d" has no address/);
  });

  it('has help with examples', () => {
    const text = printed('--help');
    assert.match(text, /Examples:/);
    assert.match(text, /ip\.defragment:FALSE/);
  });
});

describe('lbcap filter refuses', () => {
  it('to work without labels', () => {
    assertRefused(filter(), /no labels/, /--label NAME=ADDRESS/, /lbcap label add/);
  });

  it('an unknown --for', () => {
    assertRefused(
      filter('-l', 'a=127.0.0.2', '--for', 'snoop'),
      /"snoop"/,
      /wireshark, bpf, tcpdump or tshark/,
    );
    assertRefused(filter('-l', 'a=127.0.0.2', '--for'), /--for/);
  });

  it('options and words that it does not know', () => {
    assertRefused(filter('-l', 'a=127.0.0.2', '--bogus'), /--bogus/);
    assertRefused(filter('-l', 'a=127.0.0.2', 'more'), /argument/);
    assertRefused(filter('-l'), /--label/);
  });

  const labels: readonly (readonly [string, RegExp])[] = [
    ['../x=127.0.0.2', /"\.\.\/x"/],
    ['a/b=127.0.0.2', /"a\/b"/],
    ['=127.0.0.2', /empty name/],
    [`${'x'.repeat(300)}=127.0.0.2`, /"x{60}…"/],
    ['a', /NAME=ADDRESS/],
    ['a=', /no address/],
    ['a=127.0.0.256', /127\.0\.0\.256/],
    ['a=127.0.0.2/33', /\/33/],
    ['a=1.2.3', /1\.2\.3/],
    ['a=127.0.0.9-127.0.0.2', /reversed/],
    ['a=127.0.0.1:0', /port/],
    ['a=127.0.0.1\nx', /\\n/],
  ];
  for (const [label, words] of labels) {
    it(JSON.stringify(label.slice(0, 30)), () => {
      assertRefused(filter('--label', label), words);
    });
  }

  it('overlapping labels, and the same name twice', () => {
    assertRefused(filter('-l', 'a=127.0.0.0/8', '-l', 'b=127.0.0.2'), /"a"/, /"b"/, /127\.0\.0\.2/);
    assertRefused(filter('-l', 'a=127.0.0.2', '-l', 'a=127.0.0.3'), /"a" is given twice/);
  });

  it('a registry that is not one', () => {
    const path = join(root, 'bad.json');
    writeFileSync(path, '{"labels": {"a": 5}}');
    assertRefused(filter('--labels', path), /bad\.json/, /labels\.a/);
    writeFileSync(path, 'labels: a');
    assertRefused(filter('--labels', path), /bad\.json/, /JSON/);
  });

  it('a registry that cannot be read: that is a failure, not a mistake', () => {
    for (const path of [join(root, 'absent.json'), root]) {
      const ended = filter('--labels', path);
      assert.equal(ended.status, 1);
      assert.equal(complaints(ended).length, 1);
      assert.ok(ended.stderr.includes(path), ended.stderr);
    }
  });

  it('with a stack only where LBCAP_DEBUG asks for it', () => {
    const debug = lbcap(['filter', '-l', 'a'], { cwd: root, env: { ...env, LBCAP_DEBUG: '1' } });
    assert.match(debug.stderr, /\n +at /);
    assert.equal(debug.status, 2);
  });
});

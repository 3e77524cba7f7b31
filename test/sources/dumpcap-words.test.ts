/** What dumpcap is told, and its words as dumpcap 4.0 says them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LbcapError } from '../../src/errors.js';
import { nothingKnown } from '../../src/packet/counters.js';
import {
  checkInterfaceName,
  complaintIn,
  dumpcapFailure,
  dumpcapMissing,
  dumpcapWords,
  readCounts,
} from '../../src/sources/dumpcap-words.js';

test('words: filter only where there is one, buffer in MiB and never less than asked for', () => {
  const asked = {
    ...{ interface: 'lo', snaplen: 96, bufferSize: (64 << 20) + 1 },
    ...{ filter: null, nanoseconds: false },
  };
  const words = dumpcapWords(asked);
  assert.deepEqual(words.join(' '), '-q -p -P -w - -i lo -s 96 -B 65');
  assert.deepEqual(dumpcapWords({ ...asked, filter: 'host 127.0.0.2' }), [
    ...words,
    '-f',
    'host 127.0.0.2',
  ]);
  // pcapng, in which it has nanoseconds.
  assert.ok(dumpcapWords({ ...asked, nanoseconds: true }).includes('-n'));
});

test('names that dumpcap would take for a number, a pipe or a host are no interfaces', () => {
  for (const name of ['', '1', '-', '-D', '/tmp/fifo', 'rpcap://host/eth0', 'TCP@host:19000']) {
    assert.throws(
      () => checkInterfaceName(name, ['lo']),
      (error) => error instanceof LbcapError && error.code === 'INTERFACE_UNKNOWN',
      name,
    );
  }
  for (const name of ['lo', 'lo0', 'any', 'br-1a2b', 'eth0.100']) checkInterfaceName(name, []);
});

test('counts: known at the end only; all that is lost is added up', () => {
  const end = (counts: string) =>
    `Capturing on 'Loopback: lo'\nFile: -\nPackets captured: 7\nPackets received/dropped on interface 'Loopback: lo': ${counts} (70.0%)\n`;
  assert.deepEqual(readCounts(end('7/3 (pcap:2/dumpcap:1/flushed:0/ps_ifdrop:4)')), {
    received: 10,
    kernelDropped: 3,
    interfaceDropped: 4,
  });
  assert.deepEqual(readCounts(end('0/0 (pcap:0/dumpcap:0/flushed:0/ps_ifdrop:0)')), {
    received: 0,
    kernelDropped: 0,
    interfaceDropped: 0,
  });
  assert.equal(readCounts("Capturing on 'Loopback: lo'\nFile: -\n"), nothingKnown);
});

const refused = `Capturing on 'Loopback: lo'
dumpcap: You do not have permission to capture on device "lo".
(socket: Operation not permitted)
Please check to make sure you have sufficient permissions.

    sudo dpkg-reconfigure wireshark-common
`;

test('a complaint is one line, without the advice behind it', () => {
  assert.equal(
    complaintIn(refused),
    'You do not have permission to capture on device "lo" (socket: Operation not permitted)',
  );
  assert.equal(complaintIn("Capturing on 'lo'\n"), null);
  assert.equal(complaintIn('dumpcap: Cut'), 'Cut');
  const also = 'dumpcap: cap_set_proc() fail return: Operation not permitted\n';
  assert.equal(complaintIn(`${also}${refused}`), complaintIn(refused));
});

test('every failure has the code that libpcap’s has', () => {
  const cases: readonly (readonly [stderr: string, code: string])[] = [
    [refused, 'CAPTURE_PERMISSION'],
    ['dumpcap: There is no device named "nope".\n(No such device exists)', 'INTERFACE_UNKNOWN'],
    [
      'dumpcap: Invalid capture filter "foo" for interface \'lo\'.\n\nThat string',
      'FILTER_INVALID',
    ],
    ['dumpcap: The network adapter was removed.', 'CAPTURE_FAILED'],
    ['', 'CAPTURE_FAILED'],
  ];
  for (const [stderr, code] of cases) {
    const error = dumpcapFailure('lo', ['lo'], stderr, 'signal SIGKILL');
    assert.equal(error.code, code);
    assert.doesNotMatch(error.message, /\n/);
  }
  assert.match(dumpcapFailure('lo', [], '', 'signal SIGKILL').message, /\(signal SIGKILL\)/);
  assert.equal(dumpcapMissing('ENOENT', new Error()).code, 'ENGINE_MISSING');
  assert.equal(dumpcapMissing('EACCES', new Error()).code, 'CAPTURE_PERMISSION');
});

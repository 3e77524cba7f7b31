import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  addressBytes,
  Conversation,
  pcapOf,
  type Frame,
} from '../../fixtures/tcp-conversations.js';
import { ethernet, ipv4, pcapFile, udp } from '../../fixtures/frames.js';
import type { TcpHealth } from '../../src/sinks/snapshot.js';
import { replay } from './replay.js';
import { tsharkHealth } from './tshark.js';

const client = addressBytes('127.0.0.2');
const server = addressBytes('127.0.0.1');

/** Health of the client's label, and with it: Wireshark agrees wherever it has a word for it. */
function health(frames: readonly Frame[], now?: number): TcpHealth {
  const file = pcapOf(frames);
  const { table, last } = replay(file, [client]);
  const ours = table.health(0, now ?? last);
  const theirs = tsharkHealth(file);
  const { open, resets, retransmissions } = ours;
  assert.deepEqual({ open, resets, retransmissions }, theirs, 'tshark sees the same');
  // A small snaplen changes nothing.
  assert.deepEqual(replay(pcapOf(frames, 54), [client]).table.health(0, now ?? last), ours);
  return ours;
}

const quiet: TcpHealth = { open: 0, unanswered: 0, resets: 0, retransmissions: 0 };

describe('connections', () => {
  test('open from the SYN-ACK until both sides have sent FIN', () => {
    const talk = new Conversation({}).syn();
    assert.deepEqual(health(talk.frames), quiet);
    assert.deepEqual(health(talk.synAck().frames), { ...quiet, open: 1 });
    talk.ack('client').data('client', 100).data('server', 65_000).fin('client').ack('server');
    assert.deepEqual(health(talk.frames), { ...quiet, open: 1 });
    assert.deepEqual(health(talk.fin('server').ack('client').frames), quiet);
  });

  test('open from data when the capture begins in the middle', () => {
    const talk = new Conversation({}).open();
    talk.frames.length = 0;
    assert.deepEqual(health(talk.ack('client').frames), quiet);
    assert.deepEqual(health(talk.data('server', 10).frames), { ...quiet, open: 1 });
  });

  test('a reset ends it, refused or not, and each RST counts', () => {
    assert.deepEqual(health(new Conversation({}).syn().reset('server').wait(5).frames), {
      ...quiet,
      resets: 1,
    });
    const talk = new Conversation({}).open().data('client', 10).reset('server').reset('server');
    assert.deepEqual(health(talk.frames), { ...quiet, resets: 2 });
  });

  test('counts once for each label at either end, once in the total', () => {
    const talk = new Conversation({}).open().data('client', 9).again('client');
    const both = replay(pcapOf(talk.frames), [client, server]).table;
    const expected = { ...quiet, open: 1, retransmissions: 1 };
    assert.deepEqual(both.health(0), expected);
    assert.deepEqual(both.health(1), expected);
    assert.deepEqual(both.totalHealth(), expected);
    const self = new Conversation({ server: '127.0.0.2' }).open();
    assert.deepEqual(replay(pcapOf(self.frames), [client]).table.health(0), { ...quiet, open: 1 });
  });

  test('ports that are used again make a new connection', () => {
    const first = new Conversation({}).open().data('client', 50_000).fin('client').fin('server');
    const second = new Conversation({ clientSequence: 7, serverSequence: 8, at: first.now + 1 });
    second.open().data('client', 5).data('server', 5);
    assert.deepEqual(health([...first.frames, ...second.frames]), { ...quiet, open: 1 });
  });

  test('over IPv6', () => {
    const talk = new Conversation({ client: 'fd00::5', server: '::1' }).open();
    talk.data('client', 100).again('client').data('server', 3).reset('server');
    const { table } = replay(pcapOf(talk.frames), [addressBytes('fd00::5')]);
    assert.deepEqual(table.health(0), { ...quiet, resets: 1, retransmissions: 1 });
    const theirs = tsharkHealth(pcapOf(talk.frames));
    assert.deepEqual(theirs, { open: 0, resets: 1, retransmissions: 1 });
  });
});

describe('unanswered SYNs', () => {
  const talk = new Conversation({}).syn();
  const sent = 1000;

  test('after a second, until there is an answer', () => {
    assert.equal(health(talk.frames, sent + 0.9).unanswered, 0);
    assert.equal(health(talk.frames, sent + 1).unanswered, 1);
    const tried = new Conversation({}).syn().wait(1).again('client').wait(1).again('client');
    assert.deepEqual(health(tried.frames), { ...quiet, unanswered: 1, retransmissions: 2 });
    assert.deepEqual(health(tried.synAck().frames), { ...quiet, open: 1, retransmissions: 2 });
  });

  test('an acknowledgement that answers no SYN is none (RFC 5961)', () => {
    const challenged = new Conversation({}).syn().ack('server').wait(2);
    const { table } = replay(pcapOf(challenged.frames), [client]);
    assert.equal(table.health(0, challenged.now).unanswered, 1);
  });

  test('the time goes on while no packet comes', () => {
    const { table } = replay(pcapOf(talk.frames), [client, server]);
    assert.equal(table.health(0).unanswered, 0);
    assert.equal(table.health(0, sent + 5).unanswered, 1);
    assert.equal(table.health(1, sent + 5).unanswered, 1);
    assert.equal(table.totalHealth(sent + 5).unanswered, 1);
    assert.equal(table.health(0, sent + 0.5).unanswered, 0);
  });
});

describe('retransmissions', () => {
  test('of data, SYN, SYN-ACK and FIN', () => {
    const talk = new Conversation({}).syn().again('client').synAck().again('server').ack('client');
    talk.data('client', 500).again('client').data('client', 20).again('client', 1);
    talk.fin('server').again('server').ack('client');
    assert.equal(health(talk.frames).retransmissions, 5);
  });

  test('across the end of the sequence space', () => {
    const talk = new Conversation({ clientSequence: 0xffff_fff0 }).open();
    talk.data('client', 10).data('client', 100).again('client').again('client', 1);
    assert.equal(health(talk.frames).retransmissions, 2);
  });

  test('not keep-alives, with or without a byte', () => {
    const talk = new Conversation({}).open().data('client', 10).ack('server');
    talk.keepAlive('client', 0).ack('server').keepAlive('client', 1).ack('server');
    talk.data('client', 10).ack('server');
    assert.deepEqual(health(talk.frames), { ...quiet, open: 1 });
  });

  test('not zero-window probes, nor the data that follows them', () => {
    const talk = new Conversation({}).open().data('client', 10).ack('server', 0);
    talk.zeroWindowProbe('client').ack('server', 0).zeroWindowProbe('client').ack('server', 0);
    talk.ack('server', 512).data('client', 1000).ack('server');
    assert.deepEqual(health(talk.frames), { ...quiet, open: 1 });
  });

  test('a segment without total length is as long as its frame says', () => {
    const talk = new Conversation({}).open();
    const before = talk.frames.length;
    talk.data('client', 60_000);
    new DataView(talk.frames[before].bytes.buffer).setUint16(16, 0);
    talk.data('client', 100).again('client', 0);
    for (const snaplen of [262_144, 128]) {
      const { table } = replay(pcapOf(talk.frames, snaplen), [client]);
      assert.equal(table.health(0).retransmissions, 1);
    }
  });
});

/** Same numbers each run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('random conversations: tshark counts the same', () => {
  const random = generator(4711);
  const frames: Frame[] = [];
  for (let i = 0; i < 60; i++) {
    const talk = new Conversation({
      clientPort: 40_000 + i,
      clientSequence: random(2 ** 32),
      serverSequence: random(2 ** 32),
      at: 1000 + random(60),
    });
    talk.open();
    for (let step = random(40); step > 0; step--) {
      const side = random(2) === 0 ? 'client' : 'server';
      const other = side === 'client' ? 'server' : 'client';
      const action = random(10);
      if (action < 6) talk.data(side, 2 + random(3000));
      else if (action < 7) talk.data(side, 9).again(side);
      else if (action < 8) talk.data(side, 700).data(side, 800).again(side, random(2));
      else if (action < 9) talk.keepAlive(side, random(2) === 0 ? 0 : 1);
      talk.ack(other);
    }
    const end = random(4);
    if (end === 0) talk.fin('client').ack('server').fin('server').ack('client');
    if (end === 1) talk.reset(random(2) === 0 ? 'client' : 'server');
    if (end === 2) talk.fin('server').ack('client');
    frames.push(...talk.frames);
  }
  frames.sort((a, b) => a.at - b.at);
  const ours = health(frames);
  assert.ok(ours.open > 10 && ours.resets > 5 && ours.retransmissions > 50, JSON.stringify(ours));
});

describe('the busiest peer', () => {
  const busiest = (talk: Conversation, label: readonly number[]): string | null =>
    replay(pcapOf(talk.frames), [label]).table.busiestPeer(0);

  test('is a server with its port, a client without', () => {
    const talk = new Conversation({}).open().data('server', 100);
    assert.equal(busiest(talk, client), '127.0.0.1:9092');
    assert.equal(busiest(talk, server), '127.0.0.2');
    const six = new Conversation({ client: 'fd00::5', server: '::1' }).open();
    assert.equal(busiest(six, addressBytes('fd00::5')), '[::1]:9092');
    assert.equal(busiest(six, addressBytes('::1')), 'fd00::5');
  });

  test('the SYN says who is the server, whatever the ports', () => {
    const talk = new Conversation({ clientPort: 5000, serverPort: 45_000 }).open();
    assert.equal(busiest(talk, client), '127.0.0.1:45000');
    assert.equal(busiest(talk, server), '127.0.0.2');
  });

  test('without a SYN the port does: ephemeral, else the higher, is the client', () => {
    const middle = (clientPort: number, serverPort: number): Conversation => {
      const talk = new Conversation({ clientPort, serverPort }).open();
      talk.frames.length = 0;
      return talk.data('client', 5);
    };
    assert.equal(busiest(middle(40_000, 62_000), client), '127.0.0.1:62000');
    assert.equal(busiest(middle(40_000, 62_000), server), '127.0.0.2');
    assert.equal(busiest(middle(41_000, 40_000), client), '127.0.0.1:40000');
    assert.equal(busiest(middle(7946, 7946), client), '127.0.0.1:7946');
    assert.equal(busiest(middle(7946, 7946), server), '127.0.0.2:7946');
  });

  test('is the one with most bytes, a client over all its ports', () => {
    const frames = [9091, 9092, 9093].flatMap(
      (serverPort, i) =>
        new Conversation({ serverPort, clientPort: 50_000 + i })
          .open()
          .data('client', [9, 900, 90][i]).frames,
    );
    assert.equal(replay(pcapOf(frames), [client]).table.busiestPeer(0), '127.0.0.1:9092');
    const many = [0, 1, 2].flatMap(
      (i) => new Conversation({ clientPort: 50_000 + i }).open().data('client', 400).frames,
    );
    const one = new Conversation({ client: '127.0.0.9' }).open().data('client', 900).frames;
    const { table } = replay(pcapOf([...one, ...many]), [server]);
    assert.equal(table.busiestPeer(0), '127.0.0.2');
  });

  test('of a label that talks to itself is its own server', () => {
    const self = new Conversation({ server: '127.0.0.2' }).open();
    assert.equal(busiest(self, client), '127.0.0.2:9092');
    assert.equal(replay(pcapOf([]), [client]).table.busiestPeer(0), null);
  });
});

describe('room', () => {
  const many = (count: number, closed: (i: number) => boolean): Frame[] => {
    const frames: Frame[] = [];
    for (let i = 0; i < count; i++) {
      const talk = new Conversation({ clientPort: 10_000 + i, at: 1000 + i });
      talk.open();
      if (closed(i)) talk.reset('client');
      frames.push(...talk.frames);
    }
    return frames;
  };

  test('grows as it is needed: nothing is forgotten', () => {
    const { table } = replay(pcapOf(many(5000, (i) => i % 2 === 0)), [client, server]);
    assert.equal(table.evicted, 0);
    assert.deepEqual(table.health(1), { ...quiet, open: 2500, resets: 2500 });
  });

  test('full, it forgets closed connections first and counts them', () => {
    const file = pcapOf(many(60, (i) => i % 3 !== 0));
    const { table } = replay(file, [client], { maximumFlows: 32 });
    assert.equal(table.evicted, 28);
    assert.deepEqual(table.health(0), { ...quiet, open: 20, resets: 40 });
  });

  test('full of open ones, it forgets those not seen for long', () => {
    const { table } = replay(pcapOf(many(1000, () => false)), [client], { maximumFlows: 100 });
    assert.equal(table.evicted, 900);
    assert.equal(table.health(0).open, 100);
    assert.equal(table.busiestPeer(0), '127.0.0.1:9092');
  });

  test('random flows in a full table: each is found again, or new', () => {
    const random = generator(99);
    const frames: Frame[] = [];
    for (let i = 0; i < 3000; i++) {
      const clientPort = 1024 + random(400);
      const talk = new Conversation({ clientPort, at: 1000 + i, clientSequence: i * 1000 });
      talk.syn().reset('server');
      frames.push(...talk.frames);
    }
    // Each pair of frames is a connection of its own; whatever was evicted, none stays pending.
    const { table, last } = replay(pcapOf(frames), [client], { maximumFlows: 64 });
    assert.deepEqual(table.health(0, last + 10), { ...quiet, resets: 3000 });
    assert.ok(table.evicted > 1000);
  });

  test('more peers than there is room for: the busiest survives', () => {
    const frames: Frame[] = [];
    const star = (at: number): Frame[] =>
      new Conversation({ serverPort: 6379, at }).open().data('client', 4000).frames;
    for (let i = 0; i < 400; i++) {
      const talk = new Conversation({
        serverPort: 20_000 + i,
        clientPort: 40_001 + i,
        at: 1000 + i,
      });
      frames.push(...talk.open().frames, ...(i % 50 === 0 ? star(1000 + i) : []));
    }
    const { table } = replay(pcapOf(frames), [client], { maximumFlows: 32 });
    assert.equal(table.busiestPeer(0), '127.0.0.1:6379');
  });
});

test('a frame cut anywhere after its addresses is taken in', () => {
  for (const ends of [{}, { client: 'fd00::5', server: '::1' }]) {
    const talk = new Conversation(ends).syn();
    const header = 'client' in ends ? 54 : 34;
    for (let snaplen = header; snaplen <= talk.frames[0].bytes.length; snaplen++) {
      const label = 'client' in ends ? addressBytes('fd00::5') : client;
      const { table } = replay(pcapOf(talk.frames, snaplen), [label]);
      assert.notEqual(table.busiestPeer(0), null);
    }
  }
});

test('a data offset that lies is no segment', () => {
  const talk = new Conversation({}).syn();
  talk.frames[0].bytes[14 + 20 + 12] = 0x40;
  const { table } = replay(pcapOf(talk.frames), [client]);
  assert.equal(table.health(0, 2000).unanswered, 0);
});

test('of a flood of datagrams the busiest peer is found by sample', () => {
  // Three clients take turns in step with nothing: .4 sends half of all bytes, in packets of 60.
  const sizes = [20, 40, 60];
  const file = pcapFile(
    Array.from({ length: 60_000 }, (_, index) => {
      const client = index % 3;
      const payload = udp(40_000, 9092, sizes[client]);
      return { data: ethernet(0x0800, ipv4(`127.0.0.${2 + client}`, '127.0.0.9', payload)) };
    }),
  );
  const { table } = replay(file, [[127, 0, 0, 9]]);
  assert.equal(table.busiestPeer(0), '127.0.0.4');
});

/**
 * A Kafka client by kafkajs: `client BOOTSTRAP TOPIC RECORDS TOTAL` writes records and reads the topic from
 * its start until it has the total; `background BOOTSTRAP TOPIC` writes and reads until it is ended. The
 * environment's KAFKAJS names the package, which is no dependency of lbcap's.
 */
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

interface Producer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  send(batch: { topic: string; messages: readonly { value: string }[] }): Promise<unknown>;
}

interface Consumer {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  subscribe(what: { topics: readonly string[]; fromBeginning: boolean }): Promise<void>;
  run(how: { eachMessage: () => Promise<void> }): Promise<void>;
}

interface Client {
  producer(): Producer;
  consumer(options: { groupId: string; maxWaitTimeInMs: number }): Consumer;
}

interface KafkaJs {
  readonly Kafka: new (options: {
    clientId: string;
    brokers: readonly string[];
    logLevel: number;
  }) => Client;
}

const require = createRequire(import.meta.url);
const { Kafka } = require(process.env['KAFKAJS'] ?? 'kafkajs') as KafkaJs;

function connect(clientId: string, bootstrap: string): Client {
  // 1 is its level for errors.
  return new Kafka({ clientId, brokers: bootstrap.split(','), logLevel: 1 });
}

function batch(count: number): { value: string }[] {
  return Array.from({ length: count }, (_, index) => ({ value: `node ${index}` }));
}

async function consumerOf(client: Client, groupId: string, topic: string): Promise<Consumer> {
  const consumer = client.consumer({ groupId, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  return consumer;
}

async function writeAndRead(
  bootstrap: string,
  topic: string,
  records: number,
  total: number,
): Promise<void> {
  const client = connect('node-client', bootstrap);
  const producer = client.producer();
  await producer.connect();
  await producer.send({ topic, messages: batch(records) });
  await producer.disconnect();
  const consumer = await consumerOf(client, 'node', topic);
  let read = 0;
  await new Promise<void>((resolve, reject) => {
    const eachMessage = (): Promise<void> => {
      if (++read === total) resolve();
      return Promise.resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  process.stdout.write(`read ${read}\n`);
}

async function keepBusy(bootstrap: string, topic: string): Promise<void> {
  const client = connect('background', bootstrap);
  const consumer = await consumerOf(client, 'background', topic);
  await consumer.run({
    eachMessage: () => {
      process.stdout.write('.');
      return Promise.resolve();
    },
  });
  const producer = client.producer();
  await producer.connect();
  for (;;) {
    await producer.send({ topic, messages: batch(10) });
    await pause(50);
  }
}

const [, , way = '', bootstrap = '', topic = '', records = '', total = ''] = process.argv;
if (way === 'background') await keepBusy(bootstrap, topic);
else await writeAndRead(bootstrap, topic, Number(records), Number(total));

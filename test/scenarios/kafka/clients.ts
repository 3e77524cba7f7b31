/** The Kafka clients: each writes records to a topic and reads it whole. */
import { resolve } from 'node:path';
import { kafkaProgram } from './cluster.js';
import { goClient, kafkaJs, kafkaPython } from './downloads.js';

/** What a command is told. */
export interface Task {
  readonly bootstrap: string;
  readonly topic: string;
  /** A file of records, one a line. */
  readonly file: string;
  /** Lines of the file. */
  readonly records: number;
  /** Records in the topic once it has written its own. */
  readonly total: number;
}

/** One command of a client. */
export interface Step {
  readonly words: (task: Task) => readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** What it writes on stdout, or for how many lines, when it has read everything. */
  readonly prints?: (task: Task) => string | number;
}

export interface KafkaClient {
  readonly name: string;
  readonly producerId: string;
  readonly consumerId: string;
  /** tshark 4.0 knows the versions of Produce and Fetch that it speaks, to the topic's name; of others the header. */
  readonly wholeInTshark: boolean;
  /** Writes first, then reads. */
  readonly steps: readonly Step[];
}

const lines = ({ total }: Task): number => total;
const sentence = ({ total }: Task): string => `read ${total}\n`;

/** Kafka's own. */
export function consoleClient(classPath: string): KafkaClient {
  const producer = kafkaProgram(classPath, 'org.apache.kafka.tools.ConsoleProducer');
  const consumer = kafkaProgram(classPath, 'org.apache.kafka.tools.consumer.ConsoleConsumer');
  return {
    name: 'console producer and consumer',
    producerId: 'java-producer',
    consumerId: 'java-consumer',
    wholeInTshark: false,
    steps: [
      {
        words: ({ bootstrap, topic, file }) => [
          ...['sh', '-c', 'exec "$@" < "$0"', file, ...producer],
          ...['--bootstrap-server', bootstrap, '--topic', topic],
          ...['--command-property', 'client.id=java-producer'],
        ],
      },
      {
        words: ({ bootstrap, topic, total }) => [
          ...[...consumer, '--bootstrap-server', bootstrap, '--topic', topic, '--from-beginning'],
          ...['--max-messages', String(total), '--timeout-ms', '30000'],
          ...['--command-property', 'client.id=java-consumer'],
        ],
        prints: lines,
      },
    ],
  };
}

/** librdkafka's. */
export const kcat: KafkaClient = {
  name: 'kcat',
  producerId: 'kcat-producer',
  consumerId: 'kcat-consumer',
  wholeInTshark: true,
  steps: [
    {
      words: ({ bootstrap, topic, file }) => [
        ...['kcat', '-P', '-b', bootstrap, '-t', topic],
        ...['-X', 'client.id=kcat-producer', '-l', file],
      ],
    },
    {
      words: ({ bootstrap, topic }) => [
        ...['kcat', '-C', '-q', '-e', '-o', 'beginning', '-b', bootstrap, '-t', topic],
        ...['-X', 'client.id=kcat-consumer'],
      ],
      prints: lines,
    },
  ],
};

/** The command that keeps brokers busy until it is ended, printing a dot for each record that it reads. */
export function backgroundWords(bootstrap: string, topic: string): readonly string[] {
  return [process.execPath, nodeScript, 'background', bootstrap, topic];
}

export async function nodeClient(folder: string): Promise<KafkaClient> {
  return {
    name: 'Node, kafkajs',
    producerId: 'node-client',
    consumerId: 'node-client',
    wholeInTshark: true,
    steps: [
      {
        words: (task) => [process.execPath, nodeScript, 'client', ...four(task)],
        env: { KAFKAJS: await kafkaJs(folder), KAFKAJS_NO_PARTITIONER_WARNING: '1' },
        prints: sentence,
      },
    ],
  };
}

export async function pythonClient(folder: string): Promise<KafkaClient> {
  return {
    name: 'Python, kafka-python',
    producerId: 'python-producer',
    consumerId: 'python-consumer',
    wholeInTshark: false,
    steps: [
      {
        words: (task) => ['python3', resolve('test/scenarios/kafka/client.py'), ...four(task)],
        env: { PYTHONPATH: await kafkaPython(folder) },
        prints: sentence,
      },
    ],
  };
}

export async function goLangClient(folder: string): Promise<KafkaClient> {
  const program = await goClient(folder);
  return {
    name: 'Go, kafka-go',
    producerId: 'go-client',
    consumerId: 'go-client',
    wholeInTshark: true,
    steps: [{ words: (task) => [program, ...four(task)], prints: sentence }],
  };
}

const nodeScript = resolve('dist/test/scenarios/kafka/node-client.js');

/** The first broker is enough; the others it learns of. */
function four({ bootstrap, topic, records, total }: Task): readonly string[] {
  return [bootstrap.split(',')[0] ?? bootstrap, topic, String(records), String(total)];
}

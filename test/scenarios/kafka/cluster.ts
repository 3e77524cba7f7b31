/** Three Kafka brokers on this machine, each a controller too (KRaft), that replicate everything to each other. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, outputOf, RunningProgram } from '../process.js';
import { lbcapProgram } from '../watch.js';

/** Where a broker is reached; `listeners` is what its settings say, which `run --server` may move. */
interface Place {
  readonly broker: string;
  readonly controller: string;
  readonly listeners: string;
  /** What stands before the broker's command. */
  readonly runner: readonly string[];
}

/** One way to have three brokers on one machine. */
export interface Layout {
  readonly name: string;
  readonly places: () => Promise<readonly Place[]>;
}

/** As everyone does it: 127.0.0.1, and ports that differ. */
export const threePorts: Layout = {
  name: '127.0.0.1 with three ports',
  places: async () => {
    const places: Place[] = [];
    for (let i = 0; i < 3; i++) {
      const broker = `127.0.0.1:${await freePort()}`;
      const controller = `127.0.0.1:${await freePort()}`;
      const listeners = `PLAINTEXT://${broker},CONTROLLER://${controller}`;
      places.push({ broker, controller, listeners, runner: [] });
    }
    return places;
  },
};

/** Addresses of their own, and the ports and listeners of Kafka's own example, which `run --server` moves there. */
export const threeAddresses: Layout = {
  name: 'port 9092 of 127.0.0.11 to 127.0.0.13, by run --server',
  places: () =>
    Promise.resolve(
      ['127.0.0.11', '127.0.0.12', '127.0.0.13'].map((address, index) => ({
        broker: `${address}:9092`,
        controller: `${address}:9093`,
        listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
        runner: [
          ...[process.execPath, lbcapProgram(), 'run', '--server'],
          ...[`broker-${index + 1}=${address}`, '--'],
        ],
      })),
    ),
};

/** Small, and quick to start: the brokers are three on a machine with others. */
const java = ['java', '-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];

/** The command of a Java program of Kafka's. */
export function kafkaProgram(classPath: string, name: string): readonly string[] {
  return [...java, '-cp', classPath, name];
}

export class KafkaCluster {
  /** HOST:PORT of each broker. */
  readonly brokers: readonly string[];
  readonly #classPath: string;
  readonly #programs: readonly RunningProgram[];

  private constructor(
    brokers: readonly string[],
    classPath: string,
    programs: readonly RunningProgram[],
  ) {
    this.brokers = brokers;
    this.#classPath = classPath;
    this.#programs = programs;
  }

  /** Resolves once all three say that they are ready. */
  static async start(layout: Layout, classPath: string, folder: string): Promise<KafkaCluster> {
    const places = await layout.places();
    const settings = places.map((_, index) => join(folder, `broker-${index + 1}.properties`));
    await Promise.all(
      places.map(async (place, index) => {
        const logs = join(folder, `broker-${index + 1}`);
        await mkdir(logs);
        await writeFile(settings[index], properties(places, place, index + 1, logs));
        const format = kafkaProgram(classPath, 'kafka.tools.StorageTool');
        const [command = '', ...words] = [...format, 'format', '-t', clusterId];
        await outputOf(command, ...words, '-c', settings[index]);
      }),
    );
    const programs = places.map(({ runner }, index) => {
      // INFO, for it is there that a broker says it is ready.
      const broker = [...java, '-Dlog4j2.level=INFO', '-cp', classPath, 'kafka.Kafka'];
      const [command = '', ...words] = [...runner, ...broker, settings[index]];
      return new RunningProgram(command, words);
    });
    try {
      const ready = /Kafka Server started/;
      await Promise.all(programs.map((program) => program.waitFor('stdout', ready, 90_000)));
    } catch (error) {
      await endAll(programs);
      throw error;
    }
    const brokers = places.map(({ broker }) => broker);
    return new KafkaCluster(brokers, classPath, programs);
  }

  /** What to tell a client. */
  get bootstrap(): string {
    return this.brokers.join(',');
  }

  /** The ports of all brokers, each once. */
  get ports(): readonly string[] {
    return [...new Set(this.brokers.map((broker) => broker.split(':')[1] ?? ''))];
  }

  /** Three partitions, each led by another broker and replicated to the two others. */
  async createTopic(name: string): Promise<void> {
    const [command = '', ...words] = kafkaProgram(
      this.#classPath,
      'org.apache.kafka.tools.TopicCommand',
    );
    await outputOf(
      ...([command, ...words, '--bootstrap-server', this.bootstrap] as const),
      ...(['--create', '--topic', name, '--partitions', '3', '--replication-factor', '3'] as const),
    );
  }

  /** What the processes wrote on stderr, each by itself. */
  get stderr(): readonly string[] {
    return this.#programs.map(({ stderr }) => stderr);
  }

  async end(): Promise<void> {
    await endAll(this.#programs);
  }
}

/** Any will do: a UUID in base64. */
const clusterId = 'bGJjYXAga2Fma2EgdGVzdA';

function properties(places: readonly Place[], place: Place, id: number, logs: string): string {
  const voters = places.map(({ controller }, index) => `${index + 1}@${controller}`);
  const { broker, controller, listeners } = place;
  return [
    'process.roles=broker,controller',
    `node.id=${id}`,
    `controller.quorum.voters=${voters.join(',')}`,
    `listeners=${listeners}`,
    `advertised.listeners=PLAINTEXT://${broker},CONTROLLER://${controller}`,
    'controller.listener.names=CONTROLLER',
    `log.dirs=${logs}`,
    'offsets.topic.replication.factor=3',
    'offsets.topic.num.partitions=1',
    'min.insync.replicas=2',
    'auto.create.topics.enable=false',
    // Not the three seconds for more members of a group to come.
    'group.initial.rebalance.delay.ms=0',
    // All end together: there is nobody to hand a partition to.
    'controlled.shutdown.enable=false',
    '',
  ].join('\n');
}

/** Longer than a broker takes: killed, `lbcap run` could not end its own. */
async function endAll(programs: readonly RunningProgram[]): Promise<void> {
  await Promise.all(programs.map((program) => program.end('SIGTERM', 30_000)));
}

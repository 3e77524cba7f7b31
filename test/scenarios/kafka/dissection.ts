/** What tshark reads in the Kafka requests of a capture. */
import { outputOf } from '../process.js';

export interface KafkaRequest {
  /** 0 Produce, 1 Fetch, … https://kafka.apache.org/protocol#protocol_api_keys */
  readonly apiKey: number;
  readonly clientId: string;
  /** Topic names of the frame; of versions that tshark does not know, and of topics by id, none. */
  readonly topics: readonly string[];
}

export const produce = 0;
export const fetch = 1;

/** The requests in a capture, of brokers with these ports. */
export async function kafkaRequests(
  file: string,
  ports: readonly string[],
): Promise<KafkaRequest[]> {
  const table = await outputOf(
    ...(['tshark', '-n', '-r', file, '-Y', 'kafka.client_id'] as const),
    ...ports.flatMap((port) => ['-d', `tcp.port==${port},kafka`]),
    ...(['-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=,'] as const),
    ...(['-e', 'kafka.api_key', '-e', 'kafka.client_id', '-e', 'kafka.topic_name'] as const),
  );
  return table
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      // A frame may hold several requests.
      const [keys = [], ids = [], topics = []] = line.split('\t').map((cell) => cell.split(','));
      if (keys.length !== ids.length) throw new Error(`${file}: keys without ids: ${line}`);
      return ids.map((clientId, index) => ({ apiKey: Number(keys[index]), clientId, topics }));
    });
}

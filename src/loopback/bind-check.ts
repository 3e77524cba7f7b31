/** Whether programs can bind to the addresses of labels, by binding to them. */
import { createSocket } from 'node:dgram';
import { isSystemError } from '../errors.js';
import { blockSize, bytesOf, formatAddress, valueOf } from '../labels/address.js';
import type { Endpoint, Label } from '../labels/label.js';
import type { BindFact } from './facts.js';

/** Of a block that is larger, the first and the last address stand for all. */
const wholeBlock = 16n;

/** So many sockets take about 0.1 s. What is beyond is not tried. */
export const mostBinds = 1024;

/** One fact for each block, in the order of the labels, for as many as `mostBinds` addresses allow. */
export async function checkBinds(labels: readonly Label[]): Promise<BindFact[]> {
  const facts: BindFact[] = [];
  let count = 0;
  for (const { name, endpoints } of labels) {
    for (const endpoint of endpoints) {
      const addresses = triedOf(endpoint);
      count += addresses.length;
      if (count > mostBinds) return facts;
      const failures = await Promise.all(
        addresses.map(async (address) => ({ address, code: await bind(endpoint.family, address) })),
      );
      const failure = failures.find(({ code }) => code !== null);
      facts.push({
        label: name,
        endpoint: { ...endpoint, port: null },
        failure: failure === undefined ? null : { ...failure, code: failure.code ?? '' },
      });
    }
  }
  return facts;
}

function triedOf({ family, address, prefix }: Endpoint): string[] {
  const first = valueOf(address);
  const size = blockSize(family, prefix);
  const offsets =
    size <= wholeBlock
      ? Array.from({ length: Number(size) }, (_, index) => BigInt(index))
      : [0n, size - 1n];
  return offsets.map((offset) => formatAddress(bytesOf(family, first + offset)));
}

/** A UDP socket: it leaves no TIME_WAIT, and nobody can connect to it. @returns the error's code */
function bind(family: 4 | 6, address: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket =
      family === 4 ? createSocket('udp4') : createSocket({ type: 'udp6', ipv6Only: true });
    const end = (code: string | null) => {
      socket.close();
      resolve(code);
    };
    socket.once('error', (error) => {
      end(isSystemError(error) ? (error.code ?? 'refused') : error.message);
    });
    socket.bind({ port: 0, address, exclusive: true }, () => {
      end(null);
    });
  });
}

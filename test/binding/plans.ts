/** Plans for the tests of the BPF programs. */
import type { Ipv6Mode, Plan } from '../../src/binding/plan.js';
import { sourcesOf } from '../../src/binding/sources.js';
import { parseLabel } from '../../src/labels/parse.js';

export const labels = [
  '127.0.0.2',
  'fd00::2',
  '127.0.0.2,fd00::2',
  '127.0.1.0/28',
  '127.0.0.2,127.0.0.9,127.0.5.0/30,fd00::2,fd00:0:0:1::/126',
] as const;

export function planOf(change: Partial<Plan> & { readonly label?: string }): Plan {
  const { label = '127.0.0.2', ...rest } = change;
  return {
    maps: { account: 5, addresses: 6, ports: 7 },
    sources: sourcesOf(parseLabel('client', label.split(',')), true),
    ipv6: 'to4',
    server: false,
    rebind: false,
    features: { ipv6Only: 'asked', setRetval: true, lowPorts: true },
    ...rest,
  };
}

/** Each label with each combination of options that the command line lets through. */
export function* everyPlan(maps?: Plan['maps']): Generator<Plan> {
  const features: readonly Plan['features'][] = [
    { ipv6Only: 'asked', setRetval: true, lowPorts: true },
    { ipv6Only: 'guessed', setRetval: true, lowPorts: true },
    { ipv6Only: 'unknown', setRetval: false, lowPorts: false },
  ];
  for (const label of labels) {
    for (const ipv6 of ['bind', 'to4', 'refuse'] as const satisfies readonly Ipv6Mode[]) {
      if (ipv6 === 'bind' && !label.includes(':')) continue;
      for (const server of [false, true]) {
        for (const rebind of [false, true]) {
          for (const feature of features) {
            const plan = planOf({ label, ipv6, server, rebind, features: feature });
            yield maps === undefined ? plan : { ...plan, maps };
          }
        }
      }
    }
  }
}

/** Says where an input is damaged, in the one way in which lbcap does. */
import { LbcapError } from '../errors.js';
import type { LeftOut } from './source.js';

/** @param offset byte of the input at which it stops making sense */
export function damagedAt(name: string, offset: number, what: string): LbcapError {
  return new LbcapError(
    'INPUT_DAMAGED',
    `${name} is damaged at byte ${offset}`,
    `${what}; every packet before it was read`,
    { details: { offset } },
  );
}

/** Counts what a repair leaves out. */
export class DamageCount implements LeftOut {
  bytes = 0;
  places = 0;

  add(bytes: number): void {
    if (bytes === 0) return;
    this.bytes += bytes;
    this.places++;
  }
}

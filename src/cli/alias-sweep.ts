/** Takes away what sessions of `alias add --for-session` added and what nobody needs any more. */
import { messageOf } from '../errors.js';
import type { Address } from '../labels/address.js';
import { leftBehind, readRecords, removeRecord } from '../loopback/alias-records.js';
import { textOf } from '../loopback/alias-system.js';
import type { AliasContext } from './alias-context.js';

/**
 * What cannot be removed is told; it does not stop anything. What a session that lives relies on
 * stays, with the record that says who added it.
 *
 * @param ending this process, when it is the session that ends; the others were killed
 */
export function sweep(context: AliasContext, ending: number | null = null): void {
  const markOf = (pid: number) => (pid === ending ? null : context.markOf(pid));
  const records = readRecords(context.folders, context.network);
  for (const { record, addresses, done } of leftBehind(records, markOf)) {
    const killed = record.pid !== ending;
    try {
      const removed = removePresent(addresses, context);
      if (done) removeRecord(record);
      if (killed && removed.length > 0) {
        context.say(`removed ${removed.join(', ')}, left by a session that was killed`);
      }
    } catch (error) {
      const left = addresses.map(textOf).join(', ');
      context.say(
        `${killed ? 'a session that was killed' : 'this session'} leaves ${left}: ${messageOf(error)}`,
      );
    }
  }
}

/** @throws ALIAS_PERMISSION, ALIAS_FAILED */
function removePresent(addresses: readonly Address[], context: AliasContext): string[] {
  const there = new Set(context.addresses().map(textOf));
  const present = addresses.filter((address) => there.has(textOf(address)));
  for (const { family, value } of present) {
    context.run(context.system.remove(family, textOf({ family, value })));
  }
  return present.map(textOf);
}

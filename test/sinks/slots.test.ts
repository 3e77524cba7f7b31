/** Slots become smaller as more files need one: none may ever lie in another. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createArena } from '../../src/packet/arena.js';
import { Slots, slotSizes } from '../../src/sinks/slots.js';

function slotsFor(outputs: number): { slots: Slots; end: number } {
  const { regions } = createArena([4096, ...slotSizes(outputs)]);
  const last = regions.at(-1);
  assert.ok(last !== undefined);
  return { slots: new Slots(regions.slice(1)), end: last.start + last.size };
}

describe('slots', () => {
  it('are of the size for as many files as have asked, whoever is counted at first', () => {
    for (const outputs of [1, 8, 9, 64, 1000, 65_536]) {
      const { slots } = slotsFor(8);
      for (let owner = 0; owner < outputs; owner++) slots.serve(owner * 3);
      for (let owner = 0; owner < outputs; owner++) slots.serve(owner * 3);
      assert.equal(slots.size, slotSizes(outputs)[0], `${outputs}`);
    }
  });

  it('never lie in one another, and none is lost', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(300), fc.constantFrom('take', 'release', 'detach', 'victim'))),
        (steps) => {
          const { slots, end } = slotsFor(8);
          const held = new Map<number, { from: number; to: number; owner: number }>();
          const release = (slot: number | undefined) => {
            if (slot === undefined || !held.delete(slot)) return;
            slots.release(slot);
          };
          for (const [owner, step] of steps) {
            const owned = [...held].filter(([, taken]) => taken.owner >= 0);
            if (step === 'release') release([...held.keys()][owner % 24]);
            else if (step === 'detach') {
              const [slot, taken] = owned[owner % 24] ?? [];
              if (slot === undefined || taken === undefined) continue;
              slots.detach(slot);
              held.set(slot, { ...taken, owner: -1 });
            } else if (step === 'victim') {
              if (owned.length === 0) continue;
              const victim = slots.victim(() => false);
              assert.ok(owned.some(([, taken]) => taken.owner === victim));
            } else {
              slots.serve(owner);
              const slot = slots.take(owner);
              if (slot < 0) continue;
              assert.ok(!held.has(slot));
              const from = slots.start(slot);
              held.set(slot, { from, to: from + slots.size, owner });
            }
          }
          const taken = [...held.values()].sort((a, b) => a.from - b.from);
          for (const [index, { from, to }] of taken.entries()) {
            assert.ok(from >= 4096 && to <= (taken[index + 1]?.from ?? end));
          }
          for (const slot of [...held.keys()]) release(slot);
          let bytes = 0;
          for (let slot = slots.take(0); slot >= 0; slot = slots.take(0)) bytes += slots.size;
          assert.equal(bytes, end - 4096, 'larger ones are cut on the way out');
        },
      ),
      { numRuns: 500, seed: 20_261_122 },
    );
  });
});

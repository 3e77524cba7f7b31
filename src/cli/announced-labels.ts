/** What is known of each label before the first packet. */
import { bpfFilter } from '../filters/bpf.js';
import { displayFilter } from '../filters/wireshark.js';
import type { Label } from '../labels/label.js';
import { itemAt, mapped, type Sequence } from '../sequence.js';
import type { AnnouncedLabel } from '../terminal/events.js';
import type { OutputPlan } from './output-plan.js';

/** @param plan `null` when nothing is written */
export function announce(
  labels: Sequence<Label>,
  plan: OutputPlan | null,
): Sequence<AnnouncedLabel> {
  return mapped(labels, (label, index) => ({
    name: label.name,
    address: label.text,
    // Only those that are shown: there may be thousands of labels.
    get filters() {
      return { bpf: bpfFilter([label]), wireshark: displayFilter([label]) };
    },
    file: plan === null || plan.options.stream ? null : itemAt(plan.paths, index),
  }));
}

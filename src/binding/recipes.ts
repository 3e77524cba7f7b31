/** How to bind the common clients by hand. */
import type { Label } from '../labels/label.js';

export function recipes(label: Label): string {
  return label.name;
}

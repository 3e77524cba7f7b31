/** The interfaces that libpcap can capture on. */
import { LbcapError } from '../errors.js';
import { errorBufferSize, loopbackFlag, type InterfaceEntry } from './layouts.js';
import type { Library } from './library.js';
import type { Pointer } from './symbols.js';
import { cText } from './text.js';

export interface CaptureInterface {
  readonly name: string;
  readonly loopback: boolean;
}

/** The list of pcap_findalldevs(3PCAP), in its order. Throws `CAPTURE_FAILED` with its words. */
export function listInterfaces(library: Library): CaptureInterface[] {
  const { koffi, pcap, layouts } = library;
  const head = koffi.alloc('void *', 1) as Pointer;
  const errors = new Uint8Array(new ArrayBuffer(errorBufferSize));
  try {
    if (pcap.pcap_findalldevs(head, errors) !== 0) {
      throw new LbcapError('CAPTURE_FAILED', `libpcap cannot list interfaces (${cText(errors)})`);
    }
    const first = koffi.decode(head, 'void *') as Pointer | null;
    try {
      const found: CaptureInterface[] = [];
      for (let at = first; at !== null;) {
        const entry = koffi.decode(at, layouts.pcapInterface) as InterfaceEntry;
        found.push({ name: entry.name, loopback: (entry.flags & loopbackFlag) !== 0 });
        at = entry.next;
      }
      return found;
    } finally {
      pcap.pcap_freealldevs(first);
    }
  } finally {
    koffi.free(head);
  }
}

/** libpcap as the rest of lbcap sees it: version, interfaces, filter check, capture. */
import type { ActivateOptions } from './activate.js';
import { Capture } from './capture.js';
import { compileOnly, type CompiledFilter } from './filter.js';
import { listInterfaces, type CaptureInterface } from './interfaces.js';
import { loadLibrary } from './library.js';

/** `libpcap version 1.10.3 (with TPACKET_V3)`. Rejects with `LIBPCAP_MISSING`, `ENGINE_MISSING`. */
export async function libpcapVersion(): Promise<string> {
  return (await loadLibrary()).version;
}

/** What can be captured on; needs no privilege, but shows less without. */
export async function captureInterfaces(): Promise<CaptureInterface[]> {
  return listInterfaces(await loadLibrary());
}

/**
 * Checks a capture filter as the user wrote it, before anything is touched.
 * @param linkType LINKTYPE_ value; 1 is Linux's `lo`, 0 the BSDs' `lo0`
 * @throws `FILTER_INVALID` with libpcap's words, and `details.position` where it can be known
 */
export async function checkFilter(text: string, linkType: number): Promise<CompiledFilter> {
  return compileOnly(await loadLibrary(), text, linkType);
}

/** Opens a capture; what can go wrong is said at `activate`. */
export async function openCapture(options: ActivateOptions): Promise<Capture> {
  return new Capture(await loadLibrary(), options);
}

/** What a capture says about loss. */

/**
 * pcap_stats(3PCAP). `null` is "not known", never zero. `received` counts what the kernel's filter
 * passed, which can be more than is captured: packets that came while the filter was being installed,
 * and on the `lo` of a Linux before 4.20 each packet twice. The difference is not loss.
 */
export interface SourceCounters {
  readonly received: number | null;
  readonly kernelDropped: number | null;
  readonly interfaceDropped: number | null;
}

/** For a file, whose loss nobody wrote down. */
export const nothingKnown: SourceCounters = {
  received: null,
  kernelDropped: null,
  interfaceDropped: null,
};

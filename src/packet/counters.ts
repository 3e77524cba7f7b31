/** What a capture says about loss. */

/**
 * pcap_stats(3PCAP). `null` is "not known", never zero. `received` counts what the kernel's filter
 * passed; on Linux's `lo` it is about twice what is captured, since each packet passes out and in
 * and libpcap drops one of the two copies: the difference is not loss.
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

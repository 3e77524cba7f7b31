/** What `watch` and `run --watch` say when dumpcap takes libpcap's place. */

export const dumpcapInstead =
  'libpcap may not capture here, so dumpcap does: what is lost is known at the end';

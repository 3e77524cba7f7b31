/* What anyone would write on libpcap to split a capture: `split IN OUT [BUFFER] ADDRESS...`, one pass,
   a pcap_dump for each address. BUFFER (bytes) makes stdio's buffers larger: -b1048576. */
#include <arpa/inet.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most = 64, ethernet = 14 };

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  char error[PCAP_ERRBUF_SIZE], path[4096];
  size_t buffer = 0;
  int first = 3, count = 0;
  if (strncmp(argv[first], "-b", 2) == 0) buffer = strtoul(argv[first++] + 2, NULL, 10);
  FILE *file = fopen(argv[1], "rb");
  if (file == NULL) return perror(argv[1]), 1;
  if (buffer > 0) setvbuf(file, NULL, _IOFBF, buffer);
  pcap_t *in = pcap_fopen_offline(file, error);
  if (in == NULL) return fprintf(stderr, "%s\n", error), 1;
  in_addr_t address[most];
  pcap_dumper_t *out[most];
  for (; first < argc && count < most; first++, count++) {
    address[count] = inet_addr(argv[first]);
    snprintf(path, sizeof path, "%s/%s.pcap", argv[2], argv[first]);
    if ((out[count] = pcap_dump_open(in, path)) == NULL) return pcap_perror(in, path), 1;
    if (buffer > 0) setvbuf(pcap_dump_file(out[count]), NULL, _IOFBF, buffer);
  }
  struct pcap_pkthdr *header;
  const u_char *data;
  int status;
  while ((status = pcap_next_ex(in, &header, &data)) == 1) {
    in_addr_t ends[2];
    if (header->caplen < ethernet + 20 || data[12] != 8 || data[13] != 0) continue;
    memcpy(ends, data + ethernet + 12, sizeof ends);
    for (int i = 0; i < count; i++)
      if (ends[0] == address[i] || ends[1] == address[i]) pcap_dump((u_char *)out[i], header, data);
  }
  for (int i = 0; i < count; i++) pcap_dump_close(out[i]);
  return status == PCAP_ERROR_BREAK ? 0 : (pcap_perror(in, argv[1]), 1);
}

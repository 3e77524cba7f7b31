/* Writes a capture for the bench: `captures small|shuffled|mixed|bulk pcap|pcapng MEGABYTES FILE`.
   UDP on Ethernet between 127.0.0.1 and 16 peers: 127.0.0.2 to .9 are the clients, the others nobody's.
   `small`: 60 to 139 bytes a packet, one to eight packets of a peer in a row; `shuffled`: the same, each
   packet another peer's; `mixed`: half of them up to 139 bytes, the others up to 32 KiB; `bulk`: one client
   gets the longest there are, and answers each with 66 bytes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t state = 12345;

/* xorshift32 (Marsaglia): the same capture every time. */
static uint32_t below(uint32_t n) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return (uint32_t)(((uint64_t)state * n) >> 32);
}

static void put(FILE *out, const void *bytes, size_t size) {
  if (fwrite(bytes, 1, size, out) == size) return;
  perror("captures");
  exit(1);
}

static void put32(FILE *out, uint32_t value) { put(out, &value, sizeof value); }

/* pcap-savefile(5); draft-ietf-opsawg-pcapng, sections 4.1 and 4.2. */
static void header(FILE *out, int ng) {
  const uint32_t pcap[] = {0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1};
  const uint32_t section[] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX, 28};
  const uint32_t interface[] = {1, 20, 1, 262144, 20};
  if (!ng) return put(out, pcap, sizeof pcap);
  put(out, section, sizeof section);
  put(out, interface, sizeof interface);
}

static size_t packet(FILE *out, int ng, uint64_t microseconds, const uint8_t *data, uint32_t size) {
  const uint32_t padding = ng ? -size & 3 : 0, block = 32 + size + padding;
  if (ng) {
    const uint32_t front[] = {6, block, 0, (uint32_t)(microseconds >> 32), (uint32_t)microseconds};
    put(out, front, sizeof front);
  } else {
    put32(out, (uint32_t)(microseconds / 1000000));
    put32(out, (uint32_t)(microseconds % 1000000));
  }
  put32(out, size);
  put32(out, size);
  put(out, data, size + padding);
  if (ng) put32(out, block);
  return ng ? block : 16 + size;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  const int shuffled = strcmp(argv[1], "shuffled") == 0, mixed = strcmp(argv[1], "mixed") == 0;
  const int bulk = strcmp(argv[1], "bulk") == 0;
  const int ng = strcmp(argv[2], "pcapng") == 0;
  const uint64_t size = strtoull(argv[3], NULL, 10) * 1000000;
  static uint8_t data[14 + 65535] = {[12] = 8, [14] = 0x45, [22] = 64, [23] = 17, [34] = 0x23, [36] = 0x23};
  FILE *out = fopen(argv[4], "wb");
  if (out == NULL) return perror(argv[4]), 1;
  setvbuf(out, NULL, _IOFBF, 1 << 20);
  header(out, ng);
  uint64_t time = 1700000000000000;
  for (uint64_t written = 0; written < size;) {
    const uint32_t peer = bulk ? 0 : below(16), row = bulk ? 2 : shuffled ? 1 : 1 + below(8);
    for (uint32_t i = 0; i < row; i++) {
      const uint32_t length = bulk                ? i ? 66 : sizeof data
                              : mixed && below(2) ? 60 + below(32 * 1024 - 60)
                                                  : 60 + below(80);
      const uint8_t ends[2] = {1, peer < 8 ? 2 + peer : 100 + peer};
      const int back = bulk ? (int)i : (int)below(2);
      const uint8_t from[4] = {127, 0, 0, ends[back]}, to[4] = {127, 0, 0, ends[!back]};
      data[16] = (length - 14) >> 8, data[17] = length - 14;
      data[38] = (length - 34) >> 8, data[39] = length - 34;
      memcpy(data + 26, from, sizeof from);
      memcpy(data + 30, to, sizeof to);
      written += packet(out, ng, time += 10, data, length);
    }
  }
  /* Written back now, not while somebody is measured. */
  if (fflush(out) != 0 || fsync(fileno(out)) != 0 || fclose(out) != 0) return perror(argv[4]), 1;
  return 0;
}

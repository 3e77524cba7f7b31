/* Touches memory that is free, once. A virtual machine gets its memory from the host page by page, when each is
   touched for the first time, which takes half a second for a gigabyte: whoever is measured then would pay for it. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

static const size_t left_alone = 1 << 30, most = (size_t)16 << 30;

int main(void) {
  struct sysinfo now;
  if (sysinfo(&now) < 0) return perror("sysinfo"), 1;
  const size_t free = now.freeram * (size_t)now.mem_unit;
  if (free <= left_alone) return 0;
  const size_t size = free - left_alone < most ? free - left_alone : most;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return perror("mmap"), 1;
  for (size_t at = 0; at < size; at += 4096) memory[at] = 1;
  return 0;
}

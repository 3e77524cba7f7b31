/* connect + accept + close over 127.0.0.1, COUNT times for each line of standard input; prints
   nanoseconds for one. On one processor, so that who is compared shares what it is disturbed by. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct linger none = {.l_onoff = 1, .l_linger = 0};
  struct timespec from, to;
  socklen_t length = sizeof name;
  cpu_set_t first;
  int count = argc > 1 ? atoi(argv[1]) : 0, number, key;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  sched_setaffinity(0, sizeof first, &first);
  if (count <= 0 || bind(listener, (struct sockaddr *)&name, length) < 0) return 2;
  listen(listener, 16);
  getsockname(listener, (struct sockaddr *)&name, &length);
  while ((key = getchar()) != EOF) {
    if (key != '\n') continue;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (number = 0; number < count; number += 1) {
      int client = socket(AF_INET, SOCK_STREAM, 0), server;
      /* No TIME_WAIT, which would make later rounds slower than earlier ones. */
      setsockopt(client, SOL_SOCKET, SO_LINGER, &none, sizeof none);
      if (connect(client, (struct sockaddr *)&name, sizeof name) < 0) return 1;
      server = accept(listener, NULL, NULL);
      close(client);
      close(server);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.1f\n", ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / count);
    fflush(stdout);
  }
  return 0;
}

/* cycle connect|sendto COUNT: connect + accept + close, or sendto + recv of 64 bytes on a socket
   without a connection, over 127.0.0.1, COUNT times for each line of standard input; prints
   nanoseconds for one. On one processor, so that who is compared shares what it is disturbed by. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in name;
static int server;

static int connection(void) {
  struct linger none = {.l_onoff = 1, .l_linger = 0};
  int client = socket(AF_INET, SOCK_STREAM, 0), accepted;
  /* No TIME_WAIT, which would make later rounds slower than earlier ones. */
  setsockopt(client, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  if (connect(client, (struct sockaddr *)&name, sizeof name) < 0) return 1;
  accepted = accept(server, NULL, NULL);
  close(client);
  close(accepted);
  return 0;
}

static int datagram(void) {
  static int client;
  char bytes[64] = {0};
  if (client == 0) client = socket(AF_INET, SOCK_DGRAM, 0);
  if (sendto(client, bytes, sizeof bytes, 0, (struct sockaddr *)&name, sizeof name) < 0) return 1;
  return recv(server, bytes, sizeof bytes, 0) != sizeof bytes;
}

int main(int argc, char **argv) {
  struct timespec from, to;
  socklen_t length = sizeof name;
  cpu_set_t first;
  int count = argc > 2 ? atoi(argv[2]) : 0, number, key;
  int stream = argc > 1 && strcmp(argv[1], "connect") == 0;
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  sched_setaffinity(0, sizeof first, &first);
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server = socket(AF_INET, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
  if (count <= 0 || bind(server, (struct sockaddr *)&name, length) < 0) return 2;
  if (stream) listen(server, 16);
  getsockname(server, (struct sockaddr *)&name, &length);
  while ((key = getchar()) != EOF) {
    if (key != '\n') continue;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (number = 0; number < count; number += 1) {
      if (stream ? connection() : datagram()) return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.1f\n", ((to.tv_sec - from.tv_sec) * 1e9 + (to.tv_nsec - from.tv_nsec)) / count);
    fflush(stdout);
  }
  return 0;
}

/* Loopback traffic for the bench: `traffic udp SOURCES SECONDS` or `traffic tcp MEGABYTES_A_SECOND SECONDS`. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static struct sockaddr_in address(unsigned host, unsigned short port) {
  struct sockaddr_in a;
  memset(&a, 0, sizeof a);
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(host);
  a.sin_port = htons(port);
  return a;
}

/* A socket that is bound to 127.77.1.N, N from 1. */
static int from_client(int type, int n) {
  int s = socket(AF_INET, type, 0);
  struct sockaddr_in a = address(0x7f4d0100u + (unsigned)n, 0);
  must(s >= 0 && bind(s, (struct sockaddr *)&a, sizeof a) == 0, "bind");
  return s;
}

/* A socket on 127.0.0.1 at a port that the kernel chose, left in `to`. */
static int server(int type, struct sockaddr_in *to) {
  int s = socket(AF_INET, type, 0);
  socklen_t size = sizeof *to;
  *to = address(INADDR_LOOPBACK, 0);
  must(s >= 0 && bind(s, (struct sockaddr *)to, sizeof *to) == 0, "bind");
  must(getsockname(s, (struct sockaddr *)to, &size) == 0, "getsockname");
  return s;
}

/* 64-byte datagrams as fast as they go, from each source in turn. Nobody reads them: a full
   receive buffer drops them after they have passed the loopback. */
static void udp(int sources, double seconds) {
  struct sockaddr_in to;
  int sockets[64], small = 4096;
  int sink = server(SOCK_DGRAM, &to);
  setsockopt(sink, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  for (int i = 0; i < sources; i++) {
    sockets[i] = from_client(SOCK_DGRAM, i + 1);
    must(connect(sockets[i], (struct sockaddr *)&to, sizeof to) == 0, "connect");
  }
  char data[64] = {0};
  long sent = 0;
  double start = now(), end = start + seconds;
  for (int i = 0; now() < end;)
    for (int k = 0; k < 256; k++, i = (i + 1) % sources)
      if (send(sockets[i], data, sizeof data, 0) == (ssize_t)sizeof data) sent++;
  printf("%ld %.3f\n", sent, now() - start);
}

/* One stream in writes of 64 KiB, which the loopback carries as segments of that size. */
static void tcp(double megabytes, double seconds) {
  enum { size = 65536 };
  static char data[size];
  struct sockaddr_in to;
  int listener = server(SOCK_STREAM, &to);
  must(listen(listener, 1) == 0, "listen");
  pid_t reader = fork();
  must(reader >= 0, "fork");
  if (reader == 0) {
    int s = accept(listener, NULL, NULL);
    while (read(s, data, size) > 0) {}
    _exit(0);
  }
  int s = from_client(SOCK_STREAM, 1);
  must(connect(s, (struct sockaddr *)&to, sizeof to) == 0, "connect");
  double start = now(), end = start + seconds, rate = megabytes * 1e6, sent = 0;
  while (now() < end) {
    if (sent > (now() - start) * rate) {
      usleep(200);
      continue;
    }
    ssize_t n = write(s, data, size);
    must(n > 0, "write");
    sent += (double)n;
  }
  printf("%.0f %.3f\n", sent, now() - start);
  close(s);
}

int main(int count, char **words) {
  if (count != 4) return 2;
  if (strcmp(words[1], "udp") == 0) udp(atoi(words[2]) > 64 ? 64 : atoi(words[2]), atof(words[3]));
  else tcp(atof(words[2]), atof(words[3]));
  return 0;
}

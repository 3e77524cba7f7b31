/* Holds many connections. "serve" prints its port, and at SIGTERM how many came from each address;
   "connect PORT COUNT" prints when it holds them all, and lets go at SIGTERM. Both fork, since a
   process may not have that many descriptors. */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EACH = 15000, SERVERS = 14 };

static volatile sig_atomic_t ended;
static unsigned *shared; /* counts by the last two bytes of the address; then how many are held */
static struct sockaddr_in name = {.sin_family = AF_INET};

static void end(int number) {
  (void)number;
  ended = 1;
}

static void accept_some(int listener) {
  int number;
  for (number = 0; number < EACH && !ended; number += 1) {
    struct sockaddr_in peer;
    socklen_t length = sizeof peer;
    if (accept(listener, (struct sockaddr *)&peer, &length) < 0) break;
    __sync_fetch_and_add(&shared[ntohl(peer.sin_addr.s_addr) & 0xffff], 1);
  }
  while (!ended) pause();
}

static void connect_some(int count) {
  struct linger none = {.l_onoff = 1, .l_linger = 0};
  while (count > 0 && !ended) {
    int sock = socket(AF_INET, SOCK_STREAM, 0);
    /* No TIME_WAIT afterwards. */
    setsockopt(sock, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    if (sock < 0 || connect(sock, (struct sockaddr *)&name, sizeof name) < 0) {
      printf("failed: %s\n", strerror(errno));
      fflush(stdout);
      return;
    }
    __sync_fetch_and_add(&shared[65536], 1);
    count -= 1;
  }
  while (!ended) pause();
}

int main(int argc, char **argv) {
  struct sigaction action = {.sa_handler = end};
  sigset_t term, before;
  int serving = argc == 2 && strcmp(argv[1], "serve") == 0;
  int count = argc == 4 ? atoi(argv[3]) : SERVERS * EACH;
  int children = 0, left, listener = -1, address;
  pid_t child[64];
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  shared = mmap(NULL, 65537 * sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  sigaction(SIGTERM, &action, NULL);
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, &before);
  if (serving) {
    socklen_t length = sizeof name;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&name, length) < 0 || listen(listener, 4096) < 0) return 1;
    getsockname(listener, (struct sockaddr *)&name, &length);
    printf("port %d\n", ntohs(name.sin_port));
    fflush(stdout);
  } else if (argc == 4) {
    name.sin_port = htons(atoi(argv[2]));
  } else {
    return 2;
  }
  for (left = count; left > 0; left -= EACH) {
    child[children] = fork();
    if (child[children] == 0) {
      sigprocmask(SIG_SETMASK, &before, NULL);
      if (serving) accept_some(listener);
      else connect_some(left < EACH ? left : EACH);
      _exit(0);
    }
    children += 1;
  }
  if (!serving) {
    while ((int)shared[65536] < count && waitpid(-1, NULL, WNOHANG) == 0) usleep(10000);
    printf("held %u\n", shared[65536]);
    fflush(stdout);
  }
  while (!ended) sigsuspend(&before);
  while (children > 0) kill(child[--children], SIGTERM);
  while (wait(NULL) > 0) continue;
  for (address = 0; serving && address < 65536; address += 1)
    if (shared[address] > 0) printf("127.0.%d.%d %u\n", address >> 8, address & 255, shared[address]);
  return 0;
}

/* A client for the tests: tcp, udp (connected) or sendto, HOST, PORT. Prints what the peer says. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct addrinfo hints = {0}, *found, *one;
  char text[256];
  int datagram = argc > 1 && strcmp(argv[1], "tcp") != 0;
  if (argc != 4) return 2;
  hints.ai_socktype = datagram ? SOCK_DGRAM : SOCK_STREAM;
  if (getaddrinfo(argv[2], argv[3], &hints, &found) != 0) return 3;
  for (one = found; one != NULL; one = one->ai_next) {
    int sock = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
    ssize_t length;
    if (strcmp(argv[1], "sendto") == 0) {
      if (sendto(sock, "who\n", 4, 0, one->ai_addr, one->ai_addrlen) < 0) continue;
    } else {
      if (connect(sock, one->ai_addr, one->ai_addrlen) < 0) continue;
      if (send(sock, "who\n", 4, 0) < 0) continue;
    }
    length = recv(sock, text, sizeof text - 1, 0);
    if (length <= 0) continue;
    text[length] = 0;
    fputs(text, stdout);
    return 0;
  }
  return 1;
}

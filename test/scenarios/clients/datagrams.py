"""Sends a datagram to each of the loopback's destinations, and prints where it came from."""

import socket


def receiver(family, address):
    server = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, 0))
    server.settimeout(5)
    return server


def send(family, to, server):
    client = socket.socket(family, socket.SOCK_DGRAM)
    try:
        client.sendto(b"x", (to, server.getsockname()[1]))
        print(to, server.recvfrom(9)[1][0])
    except OSError as error:
        print(to, error.strerror)


ipv4 = receiver(socket.AF_INET, "127.0.0.1")
ipv6 = receiver(socket.AF_INET6, "::1")
send(socket.AF_INET, "127.0.0.1", ipv4)
send(socket.AF_INET, "0.0.0.0", ipv4)
send(socket.AF_INET6, "::ffff:127.0.0.1", ipv4)
send(socket.AF_INET6, "::1", ipv6)
send(socket.AF_INET6, "::", ipv6)

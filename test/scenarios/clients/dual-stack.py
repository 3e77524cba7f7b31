"""COUNT HOST PORT [SOURCE]: asks from an IPv6 socket that speaks IPv4 too; prints its own address."""
import socket
import sys

count, host, port, *source = sys.argv[1:]
client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
client.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
client.settimeout(10)
for address in source:
    client.bind((address, 0))
client.connect((host, int(port)))
for i in range(int(count)):
    client.send(i.to_bytes(4, 'big') * 25)
    client.recv(2000)
print(client.getsockname()[0])

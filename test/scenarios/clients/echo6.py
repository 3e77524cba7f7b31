"""Sends datagrams back, over IPv6 on ::1 and over IPv4 on 127.0.0.1, on the ports given."""
import selectors
import socket
import sys

ready = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    for family, host in ((socket.AF_INET6, '::1'), (socket.AF_INET, '127.0.0.1')):
        server = socket.socket(family, socket.SOCK_DGRAM)
        server.bind((host, port))
        ready.register(server, selectors.EVENT_READ)
print('ready', flush=True)
while True:
    for key, _ in ready.select():
        data, peer = key.fileobj.recvfrom(2000)
        key.fileobj.sendto(data, peer)

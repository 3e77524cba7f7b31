"""A client for the tests: tcp, udp (connected) or sendto, HOST, PORT. Prints what the peer says."""
import socket
import sys

kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
if kind == "tcp":
    sock = socket.create_connection((host, port))
    sock.sendall(b"who\n")
else:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(5)
    if kind == "udp":
        sock.connect(address)
        sock.send(b"who\n")
    else:
        sock.sendto(b"who\n", address)
sys.stdout.write(sock.recv(256).decode())

"""A server with a listener for each family, as exim, nginx and Go's have: PORT, "6 4" or "4 6" for the order.

Prints where they listen.
"""

import socket
import sys

listeners = []
for word in sys.argv[2:]:
    family = socket.AF_INET6 if word == "6" else socket.AF_INET
    listener = socket.socket(family)
    if word == "6":
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::" if word == "6" else "0.0.0.0", int(sys.argv[1])))
    listener.listen()
    listeners.append(listener)
    print(*listener.getsockname()[:2], flush=True)
print("ready", flush=True)
listeners[0].accept()

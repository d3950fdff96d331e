"""Connects standard input and output to the socket given as the only argument.

A client that starts its server and ends it with the connection starts this instead: the server behind the socket lives on.
"""

import os
import socket
import sys
import threading

connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])


def to_client():
    while chunk := connection.recv(65536):
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


threading.Thread(target=to_client, daemon=True).start()
while chunk := os.read(0, 65536):
    connection.sendall(chunk)

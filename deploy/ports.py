"""Ports on loopback for servers that come back to the port they had."""

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
LOWEST = 20_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")  # lowest and highest, ip(7)
USUAL_EPHEMERAL = 32_768

_given: set[int] = set()
"""By this process: their servers may not have begun to listen yet, and two must not get one."""


def stable_port() -> int:
    """A free port below those that outgoing connections get, so that none of them takes it while its server is down."""
    highest = _lowest_ephemeral() - 1
    while True:
        port = random.SystemRandom().randint(LOWEST, highest)
        if port not in _given and is_free(port):
            _given.add(port)
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection in TIME_WAIT is no server
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _lowest_ephemeral() -> int:
    try:
        lowest = int(EPHEMERAL.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        lowest = USUAL_EPHEMERAL
    return lowest if lowest > LOWEST + 1000 else 65_536

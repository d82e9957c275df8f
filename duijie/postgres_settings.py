"""What the embedded PostgreSQL is told: `postgresql.conf` and `pg_hba.conf`."""

import os
from pathlib import Path

LOOPBACK = "127.0.0.1"

NO_TRUST = """\
# Written at every start. Whoever knows the password, from this machine; nobody else.
host all all 127.0.0.1/32 scram-sha-256
"""

CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


def memory_bytes() -> int:
    """What this machine, or this container, has."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # not a container, or "max"
        return machine


def settings(port: int, *, durable: bool, memory: int) -> dict[str, str | int]:
    """`postgresql.conf`. The machine is shared with all of the platform: a sixteenth of its memory, 64 to 512 MB."""
    shared_buffers_mb = min(512, max(64, memory // 16 // (1 << 20)))
    switch = "on" if durable else "off"
    return {
        "listen_addresses": LOOPBACK,
        "port": port,
        "unix_socket_directories": "",
        "max_connections": 200,
        "password_encryption": "scram-sha-256",
        "authentication_timeout": "10s",
        "shared_buffers": f"{shared_buffers_mb}MB",
        "effective_cache_size": f"{max(256, memory // 4 // (1 << 20))}MB",
        "maintenance_work_mem": "64MB",
        "max_wal_size": "1GB",
        "fsync": switch,
        "synchronous_commit": switch,
        "full_page_writes": switch,
        "jit": "off",  # every query of ours is shorter than its compilation
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "datestyle": "iso, ymd",
        "default_text_search_config": "pg_catalog.simple",
        "log_line_prefix": "%m [%p] %d ",
        "log_checkpoints": "off",
        "log_error_verbosity": "terse",  # DETAIL quotes rows, and rows hold what must not be in a log
    }


def rendered(values: dict[str, str | int]) -> str:
    lines = ["# Written at every start; edits are lost."]
    lines += [f"{name} = '{value}'" for name, value in values.items()]
    return "\n".join(lines) + "\n"

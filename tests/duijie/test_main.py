"""The program before it has come so far as to look after signals itself."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress

import pytest

AS_PROCESS_1 = """
import signal
signal.raise_signal = lambda number: None  # so the kernel does for process 1, when nobody handles it

"""
PROGRAM = """
import sys
from duijie.__main__ import main
sys.argv = ["duijie", "work", "listing"]
main()
"""

LOADED = """
import atexit, gc, sys
from duijie.__main__ import main
atexit.register(lambda: print(gc.get_stats()[0]["collections"]))
sys.argv = ["duijie", "up", "--help"]
main()
"""


@pytest.mark.parametrize(
    ("program", "code"), [(PROGRAM, -signal.SIGTERM), (AS_PROCESS_1 + PROGRAM, 128 + signal.SIGTERM)]
)
async def test_sigterm_ends_a_process_that_still_waits_for_its_database(program: str, code: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        told = {
            "DUIJIE_PORT": "0",
            "DUIJIE_KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "DUIJIE_LISTING_DATABASE_URL": f"postgresql+asyncpg://nobody@127.0.0.1:{silent.getsockname()[1]}/none",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, env=os.environ | told, stderr=PIPE
        )
        try:
            assert process.stderr is not None
            async with asyncio.timeout(20):
                while b"kafka_not_there" not in await process.stderr.readline():
                    pass
                process.terminate()
                assert await process.wait() == code
        finally:
            with suppress(ProcessLookupError):
                process.kill()


PROMPTLY = """
import sys
from duijie.__main__ import main
sys.modules["duijie.cli"] = None  # its imports take the most of a second; whoever asks for it now fails
import signal
assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
try:
    main()
except ImportError:
    assert signal.getsignal(signal.SIGTERM).__name__ == "_die"
"""


async def test_it_is_ready_for_the_signal_before_it_loads_anything() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROMPTLY)
    assert await process.wait() == 0


SLIM = """
import atexit, sys
from duijie.__main__ import main
atexit.register(lambda: print(sorted(name for name in sys.modules if name.partition(".")[0] in {"rich", "pygments"})))
sys.argv = ["duijie", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("command", ["serve", "work"])
async def test_a_service_does_not_load_what_prints_for_people(command: str) -> None:
    asked = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SLIM, command, "no-such", stdout=PIPE, stderr=PIPE
    )
    out, err = await asked.communicate()
    assert asked.returncode == 2
    assert b"no-such" in err
    assert out.decode().strip() == "['pygments', 'rich']"  # only the two names that stand for nothing


async def test_a_command_that_waits_for_the_platform_keeps_standard_output_for_what_was_asked_for() -> None:
    command = (sys.executable, "-m", "duijie", "feed", "tail", "--url", "http://127.0.0.1:9", "--token", "t")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    assert process.stderr is not None
    async with asyncio.timeout(30):
        assert await process.stderr.readline() == b"Waiting for the platform at http://127.0.0.1:9.\n"
    await asyncio.sleep(0.5)  # it has tried some more by then
    process.terminate()
    assert await process.communicate() == (b"", b"")


def test_while_it_loads_it_hardly_looks_for_garbage() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert int(done.stdout.splitlines()[-1]) < 50

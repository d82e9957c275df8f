import os
import signal
import subprocess
import sys

from chassis import killing

PROGRAM = """
from chassis.killing import point
for turn in (1, 2, 3):
    point("elsewhere")
    point("here")
    print(turn, flush=True)
"""


def run(where: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {killing.VARIABLE: where}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=30, check=False
    )


def test_the_process_ends_at_the_named_place() -> None:
    ended = run("here")
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "")


def test_it_may_be_told_to_pass_it_a_few_times_first() -> None:
    ended = run("here:3")
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "1\n2\n")


def test_without_the_variable_nothing_happens() -> None:
    assert killing.VARIABLE not in os.environ
    killing.point("here")
    ended = run("")
    assert (ended.returncode, ended.stdout) == (0, "1\n2\n3\n")

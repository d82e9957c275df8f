"""Files that are put aside while they come in: how many an account has, and how much room all take.

What is small stays in memory and takes no room. A larger one has room for as long as it is there: for all of it where
its length was told beforehand, else for what has come. So a file that comes slowly keeps out as many others as it is
large, and no more; and one that took room must keep up with the time that it has.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import SpooledTemporaryFile
from typing import IO, Final
from uuid import UUID

from chassis.problems import Problem, Text, TooSlow, Unavailable
from chassis.routes import IMPORT_LIMIT_B

FILES: Final = 8
"""Of the largest, for which the temporary folder of a process has room at once."""
AN_ACCOUNT: Final = 2
"""However small: else one would keep all others out."""
IN_MEMORY_B: Final = 1 << 18
LATE_S: Final = 60.0
"""How far one may lag behind what would be there in time if it came evenly."""
RETRY_AFTER_S: Final = 5
WAIT: Final = {"Retry-After": str(RETRY_AFTER_S)}


class TooManyImports(Problem):
    slug, status = "too-many-imports", 429
    title = Text("您正在导入的文件过多", "You have too many imports under way")
    detail = Text(
        f"一个账户同时至多导入 {AN_ACCOUNT} 个文件；请等其中一个结束后再发。没有任何内容被更改。",
        f"An account may import {AN_ACCOUNT} files at a time; wait for one to end. Nothing was changed.",
    )


class FileRoom:
    """What the files of one process share."""

    def __init__(self) -> None:
        self.free_b = FILES * IMPORT_LIMIT_B
        self._of: Counter[UUID] = Counter()

    @property
    def files(self) -> int:
        """How many there are now."""
        return self._of.total()

    @contextmanager
    def file(self, account_id: UUID, length_b: int | None) -> Iterator["Aside"]:
        """A file to put a body aside. Raises TooManyImports, and Unavailable when there is no room for it."""
        if self._of[account_id] >= AN_ACCOUNT:
            raise TooManyImports(headers=WAIT)
        self._of[account_id] += 1
        try:
            with SpooledTemporaryFile(IN_MEMORY_B) as file:
                aside = Aside(self, file)
                try:
                    aside.take_room(length_b or 0)
                    yield aside
                finally:
                    self.free_b += aside.room_b
        finally:
            self._of -= Counter([account_id])  # keeps none that has none


class Aside:
    """One file, and the room that it has taken."""

    def __init__(self, shared: FileRoom, file: IO[bytes]) -> None:
        self.file = file
        self.room_b = 0
        self._shared = shared
        self._began_s = asyncio.get_running_loop().time()
        self._came_b = 0

    @property
    def is_in_memory(self) -> bool:
        return self._came_b <= IN_MEMORY_B

    def take_room(self, size_b: int) -> None:
        """For so much of it in all. Raises Unavailable."""
        if size_b <= max(self.room_b, IN_MEMORY_B):
            return
        more_b = size_b - self.room_b
        if more_b > self._shared.free_b:
            raise Unavailable(headers=WAIT)
        self._shared.free_b -= more_b
        self.room_b = size_b

    def write(self, chunk: bytes, within_s: float) -> None:
        """Raises Unavailable, and TooSlow for what won't be there `within_s` as it comes."""
        self._came_b += len(chunk)
        self.take_room(self._came_b)
        lasted_s = asyncio.get_running_loop().time() - self._began_s
        if self._came_b < self.room_b * (lasted_s - LATE_S) / within_s:
            raise TooSlow()
        self.file.write(chunk)

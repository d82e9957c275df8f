"""Rows whose changes are counted, so that nobody overwrites what they have not seen."""

from typing import Protocol

from chassis.problems import StaleVersion


class _HasVersion(Protocol):
    @property
    def version(self) -> int: ...


class Versioned:
    """A row with a `version`, which each change raises by one."""

    __slots__ = ()

    def must_be(self: _HasVersion, version: int | None) -> None:
        """Raises StaleVersion unless this is the version that the caller read; None is any."""
        if version not in {None, self.version}:
            raise StaleVersion(current=self.version)

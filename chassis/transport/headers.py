"""The headers of a record in one piece: written once, carried unread, and put onto the wire without being decoded."""

from collections.abc import Iterator, Mapping
from functools import lru_cache

NAMES_END, UNIT_END = "\x1d", "\x1f"  # ASCII's group and unit separators


class PackedHeaders(Mapping[str, str]):
    """All names, then all texts, in UTF-8. Equal to the mapping that it packs; unpacked when somebody looks."""

    __slots__ = ("packed",)

    def __init__(self, packed: bytes) -> None:
        self.packed = packed

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> "PackedHeaders":
        """What would end a name or a text too early, which only a foreign record has, is replaced."""
        if isinstance(headers, PackedHeaders):
            return headers
        if not headers:
            return cls(b"")
        texts = UNIT_END.join(headers.values())
        if texts.count(UNIT_END) >= len(headers):
            texts = UNIT_END.join(map(_unbroken, headers.values()))
        return cls(f"{_packed_names(tuple(headers))}{NAMES_END}{texts}".encode())

    def encoded(self) -> list[tuple[str, bytes]]:
        """Names with their texts as bytes, as Kafka carries them."""
        if not self.packed:
            return []
        names, _, texts = self.packed.partition(b"\x1d")
        return [*zip(_names(names), texts.split(b"\x1f"), strict=True)]

    def __getitem__(self, name: str) -> str:
        if not self.packed:
            raise KeyError(name)
        names, _, texts = self.packed.partition(b"\x1d")
        at = _places(names)[name]
        return texts.split(b"\x1f", at + 1)[at].decode()

    def __iter__(self) -> Iterator[str]:
        return iter(self._unpacked())

    def __len__(self) -> int:
        return len(self._unpacked())

    def __repr__(self) -> str:
        return repr(self._unpacked())

    def _unpacked(self) -> dict[str, str]:
        return {name: text.decode() for name, text in self.encoded()}


def encoded(headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Names with their texts as bytes, however the headers are held."""
    if isinstance(headers, PackedHeaders):
        return headers.encoded()
    return [(name, text.encode()) for name, text in headers.items()]


def _unbroken(text: str) -> str:
    return text.replace(UNIT_END, "\ufffd")


@lru_cache(maxsize=256)
def _packed_names(names: tuple[str, ...]) -> str:
    return UNIT_END.join(_unbroken(name).replace(NAMES_END, "\ufffd") for name in names)


@lru_cache(maxsize=256)
def _names(packed: bytes) -> tuple[str, ...]:
    """A type of event has always the same names."""
    return tuple(packed.decode().split(UNIT_END))


@lru_cache(maxsize=256)
def _places(packed: bytes) -> dict[str, int]:
    return {name: at for at, name in enumerate(_names(packed))}

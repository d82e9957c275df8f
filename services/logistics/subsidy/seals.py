"""Sealed daily heads, and a ledger as a file that anyone can verify. Pure: data in, data out.

A seal says where a programme's chain stood when a day (Asia/Shanghai) was over. Whoever keeps one, on paper if need be,
can tell a chain that was written anew, which is sound in itself. Seals are chained as transfers are:

    hash = lower-case hex of SHA-256( UTF-8(prev) ‖ C )

where `prev` is the hash of the seal before, or the programme id as text for the first, and C the RFC 8785 canonical
JSON, in UTF-8, of the seal without `prev` and `hash`. A day on which nothing was entered has none.

The file has one JSON object a line, each in canonical form with a line feed behind it: the transfers in their order,
each seal, as `{"seal": …}`, behind the last transfer that it covers, and at the end
`{"end": {"hash", "programme_id", "seal", "seq"}}`, where `seal` is the hash of the last one, if there is any.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from services.logistics.subsidy.ledger import Balances, Head, Transfer, verify


@dataclass(frozen=True, slots=True)
class Seal:
    """The chain's `seq`, hash (`head`) and balances when the `day` was over; the fields are those that are shown."""

    programme_id: str
    day: str
    seq: int
    head: str
    budget_fen: int
    available_fen: int
    reserved_fen: int
    posted_fen: int
    paid_fen: int
    prev: str
    hash: str

    @property
    def balances(self) -> Balances:
        return Balances(-self.budget_fen, self.available_fen, self.reserved_fen, self.posted_fen, self.paid_fen)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file came to: `transfers` and `seals` were found sound; `why` what is wrong, and in which `line` first."""

    transfers: int = 0
    seals: int = 0
    head: Head | None = None
    line: int | None = None
    why: str | None = None

    @property
    def ok(self) -> bool:
        return self.why is None


def sealed(head: Head, day: str, prev: str) -> Seal:
    """The seal of this day, behind the one with the hash `prev`."""
    stood = head.balances
    rest: dict[str, Any] = {
        "programme_id": head.programme_id,
        "day": day,
        "seq": head.seq,
        "head": head.hash,
        "budget_fen": stood.budget_fen,
        "available_fen": stood.available,
        "reserved_fen": stood.reserved,
        "posted_fen": stood.posted,
        "paid_fen": stood.paid,
    }
    return Seal(**rest, prev=prev, hash=sha256((prev + canonical(rest)).encode()).hexdigest())


def canonical(value: Mapping[str, Any]) -> str:
    """RFC 8785 of what has integers, texts and objects alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def lines_of(transfers: Iterable[Transfer], seals: Iterable[Seal]) -> Iterator[str]:
    """The lines of these, without the last: both in their order, each seal behind what it covers."""
    waiting = iter(seals)
    seal = next(waiting, None)
    for transfer in transfers:
        yield canonical(transfer.as_json())
        while seal is not None and seal.seq <= transfer.seq:
            yield canonical({"seal": asdict(seal)})
            seal = next(waiting, None)


def end_of(head: Head, seal: str | None) -> str:
    """The last line; `seal` is the hash of the last one."""
    end = {"programme_id": head.programme_id, "seq": head.seq, "hash": head.hash}
    return canonical({"end": end if seal is None else end | {"seal": seal}})


class _Wrong(Exception):
    """The line breaks what it promises."""


NOT_A_LINE: Final = "it is no line of a ledger"


class _Walk:
    """A file as far as it was read."""

    def __init__(self) -> None:
        self.line = 0
        self.head: Head | None = None
        self.transfers = 0
        self.seals = 0
        self.seal: str | None = None
        self.day = ""
        self.ended = False

    def take(self, line: bytes) -> None:
        """Raises _Wrong."""
        self.line += 1
        said = _object(line)
        if self.ended:
            raise _Wrong("something comes behind the end")
        match said:
            case {"end": end, **rest} if not rest:
                self._end(end)
            case {"seal": dict(seal), **rest} if not rest:
                self._seal(seal)
            case _:
                self._transfer(said)

    def hashes(self) -> set[str | None]:
        """Those of the last transfer and the last seal."""
        return {None if self.head is None else self.head.hash, self.seal}

    def _transfer(self, said: dict[str, Any]) -> None:
        try:
            transfer = Transfer.from_json(said)
            before = Head.genesis(transfer.prev) if self.head is None else self.head
            walked = verify([transfer], before)
        except TypeError as error:  # a member is missing, unknown, or of another type
            raise _Wrong(NOT_A_LINE) from error
        if not walked.ok:
            raise _Wrong("the transfer does not follow from those before it")
        self.head, self.transfers = walked.head, self.transfers + 1

    def _seal(self, said: dict[str, Any]) -> None:
        if self.head is None:
            raise _Wrong("a seal comes before any transfer")
        day = said.get("day")
        if not isinstance(day, str) or day <= self.day:
            raise _Wrong("the seals' days are not in their order")
        if said != asdict(sealed(self.head, day, self.seal or self.head.programme_id)):
            raise _Wrong("the seal is not of this chain")
        self.seal, self.day, self.seals = said["hash"], day, self.seals + 1

    def _end(self, said: object) -> None:
        if self.head is None or canonical({"end": said}) != end_of(self.head, self.seal):
            raise _Wrong("the end is not that of this chain")
        self.ended = True


def verify_lines(lines: Iterable[bytes], keep: str | None = None) -> Verdict:
    """Walk a file from its first transfer to its end: any byte that was changed, lost, added or moved is found.

    `keep` is a hash that somebody kept of a transfer or a seal: a chain that was written anew does not come to it.
    """
    walk, found = _Walk(), keep is None
    try:
        for line in lines:
            walk.take(line)
            found = found or keep in walk.hashes()
        if not walk.ended:
            walk.line += 1
            raise _Wrong("the file was cut off: it has no end")
        if not found:
            raise _Wrong("the chain never came to the hash that was kept")
    except _Wrong as wrong:
        return Verdict(walk.transfers, walk.seals, walk.head, walk.line, str(wrong))
    return Verdict(walk.transfers, walk.seals, walk.head)


def _object(line: bytes) -> dict[str, Any]:
    """The object of a line that is written as it has to be, to the byte."""
    try:
        said = json.loads(line)
        if isinstance(said, dict) and (canonical(said) + "\n").encode() == line:
            return said
    except (ValueError, RecursionError):
        pass
    raise _Wrong(NOT_A_LINE)

"""Rows made up for the tests of more than one oracle."""

import hashlib

from tests.faults.kit.findings import Findings
from tests.faults.kit.spy import Told


def told(number: int, key: str, event_id: str, value: bytes = b"{}", topic: str = "t") -> Told:
    return Told(number, topic, key, event_id, "x", hashlib.md5(value).hexdigest(), value)


def evidence(findings: Findings) -> str:
    return "\n".join(findings.violations)

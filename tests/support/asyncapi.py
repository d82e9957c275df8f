"""The JSON Schema that AsyncAPI itself gives for its documents; npm fetches it the first time."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest

PACKAGE = "@asyncapi/specs@6.11.1"
MEMBER = "package/schemas/3.0.0-without-$id.json"
SHA256 = "abe96881dbfaad495ccbb6bd8d3fb43ca18a13b9d7564849ccb66f39d5e5b20f"
KEPT = Path(sys.prefix) / "asyncapi-3.0.0.json"
FETCH_S = 60


def asyncapi_schema() -> Any:
    """Without npm, or where it reaches no registry, the test is skipped and says so; in CI that is a failure."""
    if not KEPT.exists():
        try:
            _fetch()
        except (OSError, subprocess.SubprocessError) as why:
            if os.environ.get("CI") == "true":
                pytest.fail(f"CI needs AsyncAPI's schema, {PACKAGE}. {why}")
            pytest.skip(f"No schema of AsyncAPI here. {why}")
    told = KEPT.read_bytes()
    assert hashlib.sha256(told).hexdigest() == SHA256
    return json.loads(told)


def _fetch() -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError(f"npm, which fetches {PACKAGE}, is not on the PATH.")
    with tempfile.TemporaryDirectory() as folder:
        pack = [npm, "pack", "--silent", "--ignore-scripts", PACKAGE]
        subprocess.run(pack, cwd=folder, check=True, capture_output=True, timeout=FETCH_S)
        (archive,) = Path(folder).iterdir()
        with tarfile.open(archive) as files:
            schema = files.extractfile(MEMBER)
            assert schema is not None
            whole = KEPT.with_suffix(f".{os.getpid()}")
            whole.write_bytes(schema.read())
            whole.replace(KEPT)

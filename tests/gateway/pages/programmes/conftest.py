"""An officer who reads, and the service behind their pages, as each file has it say."""

from typing import Any

import pytest

from gateway.tokens import Signer
from tests.gateway.pages.played import Played
from tests.gateway.pages.programmes.test_programmes import EN, OFFICER
from tests.gateway.support import bearer


@pytest.fixture
def upstreams(logistics: Played) -> dict[str, Any]:
    return {"logistics": logistics.upstream}


@pytest.fixture
def officer(signer: Signer) -> dict[str, str]:
    return bearer(signer, "programme_officer", OFFICER) | EN

"""A farmer before an API that the test plays."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from gateway.proxy import InProcess
from gateway.tokens import Signer
from tests.gateway.pages.farm.played import ME, PlayedApi
from tests.gateway.support import bearer


@pytest.fixture
def api() -> PlayedApi:
    return PlayedApi()


@pytest.fixture
def upstreams(api: PlayedApi) -> dict[str, Any]:
    return {"listing": InProcess(api), "matching": InProcess(api)}


@pytest.fixture
def farmer(client: httpx.AsyncClient, signer: Signer) -> httpx.AsyncClient:
    client.headers.update(bearer(signer, "producer", UUID(ME)) | {"Accept-Language": "en"})
    return client

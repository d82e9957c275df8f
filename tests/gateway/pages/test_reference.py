"""The reference is drawn once for each document and language."""

import time
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from gateway.pages import reference


async def test_the_reference_is_worked_out_once_until_the_document_is_another(
    client: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []

    def counted(document: Any, language: Any) -> Any:
        drawn.append(language)
        return read(document, language)

    read = reference.read_reference
    monkeypatch.setattr(reference, "read_reference", counted)
    pages = [await client.get(path) for path in ("/docs?lang=en", "/docs?lang=en", "/docs?lang=zh", "/docs?lang=en")]
    assert drawn == ["en", "zh-CN"]
    assert pages[0].text == pages[1].text == pages[3].text
    assert "?lang=zh-CN" in pages[2].text
    app.state.surface._good_until_s = time.monotonic() - 1
    await client.get("/docs?lang=en")
    assert drawn == ["en", "zh-CN", "en"]


async def test_links_of_the_reference_carry_the_language_of_who_chose_one_alone(client: httpx.AsyncClient) -> None:
    plain = {"Accept-Language": "en", "Cookie": "x=1"}
    assert 'href="/problems/not-found?lang=en"' in (await client.get("/docs?lang=en", headers=plain)).text
    client.cookies.clear()
    assert 'href="/problems/not-found"' in (await client.get("/docs", headers=plain)).text

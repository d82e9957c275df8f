"""Reading the document of the whole surface, for tests."""

import re
from collections.abc import Iterator

from chassis.problems import Language
from gateway.openapi import Document
from gateway.words.telling import METHODS


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")


def is_chinese(text: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", text))

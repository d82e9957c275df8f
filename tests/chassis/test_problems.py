"""Problems: one form, two languages."""

import pytest
from starlette.requests import Request

from chassis.problems import NotFound, Problem, language_of, must_exist
from duijie import databases


def request(accept_language: str) -> Request:
    return Request({"type": "http", "headers": [(b"accept-language", accept_language.encode())]})


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN", "zh-CN"),
        ("zh", "zh-CN"),
        ("en-GB,en;q=0.9", "en"),
        ("fr, zh;q=0.4, en;q=0.2", "zh-CN"),
        ("en;q=0.1, zh-Hans;q=0.9", "zh-CN"),
        ("zh;q=0, en", "en"),
        ("zh;q=x", "en"),
        ("zh; q=0.9", "zh-CN"),
        ("en, zh-CN; q=0.1", "en"),
        ("zh-CN ; q=0.1, en ; Q=0.2", "en"),
    ],
)
def test_the_language_is_the_weightiest_of_ours(header: str, language: str) -> None:
    assert language_of(request(header)) == language


@pytest.mark.parametrize("what", ["a lot", "", 0, b"", ()])
def test_what_was_found_is_handed_on_however_empty_it_is(what: object) -> None:
    assert must_exist(what) is what


def test_what_was_not_found_is_refused() -> None:
    with pytest.raises(NotFound):
        must_exist(None)


def test_every_problem_is_drawn_whole_in_both_languages() -> None:
    for database in databases.DATABASES.values():
        _ = database.metadata  # importing the models draws their problems
    for slug, problem in Problem.known().items():
        assert 400 <= problem.status <= 599, slug
        for text in (problem.title, problem.detail):
            assert text.zh, slug
            assert text.en, slug
            assert text.zh != text.en, slug


def test_what_a_problem_carries_apart_fills_its_text_and_takes_no_place_of_another_member() -> None:
    for slug, known in Problem.known().items():
        assert not set(known.members) & {"type", "title", "status", "detail", "instance", "errors"}, slug
        assert all(f"{{{name}}}" in known.detail.zh for name in known.members), slug

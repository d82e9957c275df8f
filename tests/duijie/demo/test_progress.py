"""Bars on a terminal, plain lines elsewhere."""

import pytest

from duijie.demo.progress import Stages


def test_without_a_terminal_a_stage_is_one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Stages.shown() as stages, stages.stage("lots posted", 3) as bar:
        for _ in range(3):
            bar.advance()
    assert capsys.readouterr().out == "lots posted: 3 of 3 in 0 s\n"


def test_a_stage_that_fails_does_not_say_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with Stages.shown() as stages, stages.stage("lots posted", 3) as bar:
            bar.advance()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert capsys.readouterr().out == ""


def test_what_is_said_in_between_is_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with Stages.shown() as stages:
        stages.say("3 of 20 came late")
    assert capsys.readouterr().out == "3 of 20 came late\n"

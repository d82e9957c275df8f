"""The county that `bench.limits` measures is drawn from the demonstration, and must not change as that does."""

from datetime import UTC, datetime

from bench.limits import county


def test_the_county_stays_the_one_that_was_measured() -> None:
    problem = county()
    assert problem.depart_at == datetime(2026, 11, 23, 22, tzinfo=UTC), "six in the morning in China"
    assert {task.ready_at for task in problem.tasks} == {problem.depart_at}
    assert sum(task.quantity_g for task in problem.tasks) == 115_326_000
    assert problem.tasks[1].quantity_g == 3_048_000
    assert round(sum(task.delivery.lon for task in problem.tasks), 6) == 11_927.054373
    assert round(sum(task.pickup.lat for task in problem.tasks), 6) == 3372.301172

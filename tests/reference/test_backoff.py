"""The pause before the next attempt: it grows, it is bounded, and it is not the same for all."""

from __future__ import annotations

from docjobs.backoff import delay_s
from hypothesis import given
from hypothesis import strategies as st


@given(st.integers(min_value=0, max_value=10_000), st.floats(0.01, 60), st.floats(60, 3600))
def test_it_is_never_longer_than_the_cap_nor_much_shorter_than_the_base(attempts: int, base: float, cap: float) -> None:
    assert 0.8 * base <= delay_s(attempts, base, cap) <= cap


def test_it_doubles_whatever_the_dice_say() -> None:
    worst = [max(delay_s(attempts, 1, 1_000) for _ in range(200)) for attempts in range(1, 8)]
    best = [min(delay_s(attempts, 1, 1_000) for _ in range(200)) for attempts in range(2, 9)]
    assert all(later > earlier for earlier, later in zip(worst, best, strict=True))


def test_a_hundred_jobs_of_one_dead_worker_do_not_come_back_at_once() -> None:
    assert len({round(delay_s(3, 1, 60), 3) for _ in range(100)}) > 50

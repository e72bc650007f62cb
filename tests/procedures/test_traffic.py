"""Reads of our own can condemn a release, and acquit it when enough of them were answered."""

from __future__ import annotations

import pytest

from procedures.settings import Settings
from procedures.traffic import Read, judged

SETTINGS = Settings()


def reads(count: int, seconds: float = 0.02, *, failed: int = 0, began: float = 100.0) -> list[Read]:
    return [Read(began + index, seconds, index < failed) for index in range(count)]


@pytest.mark.parametrize(
    ("done", "verdict", "said"),
    [
        ([], "not judged", "0 of 0"),
        (reads(200), "good", "0 of 200 reads of our own failed, half within 20 ms"),
        (reads(29), "not judged", "30 answered are needed"),
        (reads(30), "good", "0 of 30"),
        (reads(33, failed=3), "not judged", "3 of 33"),
        (reads(300, failed=3), "good", "3 of 300"),
        (reads(4, failed=4), "not judged", "4 of 4"),
        (reads(5, failed=5), "bad", "5 of 5 reads of our own failed"),
        (reads(100, failed=5), "bad", "5 of 100"),
        (reads(19, 1.5), "not judged", "0 of 19"),
        (reads(20, 1.5), "bad", "took 1500 ms or longer"),
        (reads(50, 1.5, began=0) + reads(50, 1.5), "good", "0 of 50"),
        (reads(50, failed=50, began=0) + reads(50), "good", "0 of 50"),
    ],
    ids=lambda value: None if isinstance(value, list) else value,
)
def test_a_release_is_condemned_by_what_failed_or_became_slow_after_the_switch(
    done: list[Read], verdict: str, said: str
) -> None:
    judgement = judged(done, SETTINGS, since=90.0)
    assert judgement.verdict == verdict
    assert said in judgement.reason

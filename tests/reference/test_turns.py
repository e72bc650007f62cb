"""Whose job is next: tenants take turns, each in its own order, and nobody waits for ever."""

from __future__ import annotations

import random

import pytest
from docjobs.turns import Line, place
from hypothesis import given
from hypothesis import strategies as st

Waiting = list[tuple[int, int, str]]  # place, number, tenant: the least is next


def line(waiting: Waiting, tenant: str) -> Line:
    """What the query tells, from the jobs that wait."""
    places, own = [p for p, _, _ in waiting], [p for p, _, t in waiting if t == tenant]
    even = [p for p in places if p % 2 == 0]
    return Line(len(places), len(own), max(own, default=None), min(places, default=None), min(even, default=None))


def submit(waiting: Waiting, number: int, tenant: str) -> None:
    waiting.append((place(line(waiting, tenant)), number, tenant))


STEPS = st.lists(st.sampled_from(["a", "b", "c", "take"]), max_size=120)


@given(STEPS)
def test_each_tenant_is_served_in_its_own_order(steps):
    waiting: Waiting = []
    served: dict[str, list[int]] = {}
    for number, step in enumerate([*steps, *["take"] * len(steps)]):
        if step != "take":
            submit(waiting, number, step)
        elif waiting:
            _, job, tenant = min(waiting)
            waiting.remove(min(waiting))
            served.setdefault(tenant, []).append(job)
    assert not waiting
    assert all(numbers == sorted(numbers) for numbers in served.values())


@given(st.integers(1, 200), st.integers(0, 60))
def test_who_has_nothing_waiting_is_before_all_who_have(many, taken):
    waiting: Waiting = []
    for number in range(many):
        submit(waiting, number, "flood")
    for _ in range(min(taken, many - 1)):
        waiting.remove(min(waiting))
    submit(waiting, many, "small")
    ahead = sorted(waiting).index(next(job for job in waiting if job[2] == "small"))
    assert ahead <= 1  # the flood's own first, while it still waits


def test_two_that_have_much_waiting_take_turns():
    waiting: Waiting = []
    for number in range(40):
        submit(waiting, number, "first")
    for number in range(40, 80):
        submit(waiting, number, "second")
    order = "".join(tenant[0] for _, _, tenant in sorted(waiting))
    assert all(abs(order[:n].count("f") - order[:n].count("s")) <= 2 for n in range(80))


@pytest.mark.parametrize("rate", [0.5, 0.9, 1.5])
def test_nobody_waits_for_ever_beside_others_that_never_stop(rate):
    """One job a step is done; three tenants together bring more than that, of which half are ever new ones."""
    chance, waiting, waited = random.Random(5), [], []
    for step in range(3000):
        for index, tenant in enumerate(("flood", "flood", "other", f"new-{step}")):
            if chance.random() < rate / 3 and sum(t == tenant for _, _, t in waiting) < 80:
                submit(waiting, step * 4 + index, tenant)
        if waiting:
            waited.append(step - min(waiting)[1] // 4)
            waiting.remove(min(waiting))
    assert max(waited) < 80 * 2 / (1 - rate / 3) + 80  # new ones take their share, the two with 80 waiting the rest


def test_an_empty_line_begins_anew():
    assert place(Line()) == place(line([], "a")) == 1
    assert place(line([(7, 1, "a")], "b")) == 7
    assert place(line([(7, 1, "a"), (8, 2, "a")], "b")) == 7
    assert place(line([(8, 2, "a")], "b")) == 7
    assert place(line([(7, 1, "b")], "b")) == 8
    assert place(line([(8, 1, "b")], "b")) == 10

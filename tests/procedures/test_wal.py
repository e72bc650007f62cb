"""Holes in archived WAL are told from the segments' names, per timeline."""

from __future__ import annotations

from procedures.wal import Segment, begun, histories, missing, segments

SUM = "a" * 40


def stored(*names: str) -> list[str]:
    return [f"17-1/{name[:16]}/{name}-{SUM}.zst" for name in names]


def name(timeline: int, number: int) -> str:
    return Segment(timeline, number).name


def line(timeline: int, *numbers: int) -> list[str]:
    return [name(timeline, number) for number in numbers]


def holes(paths: list[str], needed: list[str], begins: dict[int, Segment] | None = None) -> list[str]:
    return [segment.name for segment in missing(segments(paths, "17-1"), needed, begins or {})]


def test_a_name_is_its_place_and_back():
    for text in ("000000010000000000000001", "0000000200000001000000FF", "0000000A0000000F00000000"):
        segment = Segment.named(text)
        assert segment is not None
        assert segment.name == text
    assert Segment.named("0000000100000000000000FF").number + 1 == Segment.named("000000010000000100000000").number


def test_what_is_no_segment_is_none():
    for text in (
        "00000002.history",
        "000000010000000000000004.00000028.backup",
        "000000010000000000000004.partial",
        "x",
    ):
        assert Segment.named(text) is None


def test_an_unbroken_archive_has_no_hole():
    assert holes(stored(*line(1, 3, 4, 5)), [name(1, 3)]) == []
    assert holes(stored(*line(1, *range(0xFD, 0x103))), [name(1, 0xFD)]) == []


def test_one_in_the_middle_is_missed():
    assert holes(stored(*line(1, 3, 4, 6, 7)), [name(1, 3)]) == [name(1, 5)]


def test_what_is_older_than_every_backup_nobody_needs():
    assert holes(stored(*line(1, 1, 4, 5)), [name(1, 4)]) == []


def test_the_backups_own_segment_is_needed_as_well():
    assert holes(stored(*line(1, 5, 6)), [name(1, 4)]) == [name(1, 4)]
    assert holes([], [name(1, 4)]) == [name(1, 4)]


def test_the_oldest_backup_counts():
    assert holes(stored(*line(1, 2, 4)), [name(1, 4), name(1, 2)]) == [name(1, 3)]


def test_another_timeline_begins_where_its_history_says():
    history = "1\t0/7000060\tno recovery target specified\n"
    begin = begun(history)
    assert begin == Segment(1, 7)
    whole = stored(*line(1, 4, 5, 6), *line(2, 7, 8))
    assert holes(whole, [name(1, 4)], {2: begin}) == []
    assert holes(stored(*line(1, 4, 5), *line(2, 7, 8)), [name(1, 4)], {2: begin}) == [name(1, 6)]
    assert holes(stored(*line(1, 4, 5, 6), *line(2, 8)), [name(1, 4)], {2: begin}) == [name(2, 7)]


def test_a_timeline_that_was_left_may_go_on():
    assert holes(stored(*line(1, 4, 5, 6, 7, 8), *line(2, 6, 7)), [name(1, 4)], {2: Segment(1, 6)}) == []


def test_the_last_line_of_a_history_counts():
    assert begun("1\t0/3000000\tx\n2\t1/FF000000\ty\n") == Segment(2, 0x1FF)
    assert begun("") is None


def test_histories_and_segments_of_another_archive_are_not_ours():
    paths = ["17-1/00000002.history", "16-2/00000003.history", *stored(name(1, 4))]
    assert histories(paths, "17-1") == {2: "17-1/00000002.history"}
    assert segments(paths, "16-2") == set()

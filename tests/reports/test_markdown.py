"""The summary: capped, and nothing in it is active."""

from __future__ import annotations

import re

import pytest

from reports import markdown
from tests.reports import hostile as texts
from tests.reports.factory import hostile, judge, many, no_go


@pytest.mark.parametrize("text", texts.ALL.values(), ids=texts.ALL)
def test_hostile_text_is_inert(text: str) -> None:
    said = markdown.render(*judge(hostile(text)))
    assert not re.search(r"<|>|://|www\.|@\w|#\d|(?<!\\)[\[\]`]", said)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", said)
    assert len(said) <= markdown.LARGEST + 100
    for line in said.splitlines():
        assert line == "" or line[0] in "#*|R" or line.startswith("The rest") or re.match(r"\d+ more", line)
    heads = [line for line in said.splitlines() if line.startswith("#")]
    assert len([line for line in heads if line.startswith("# ")]) == 1


def test_every_row_of_a_table_has_its_cells() -> None:
    for block in markdown.render(*judge(hostile(texts.MARKDOWN))).split("\n\n"):
        if block.startswith("|"):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


def test_a_thousand_checks_stay_below_the_cap_and_say_what_is_left_out() -> None:
    said = markdown.render(*judge(many(3000)))
    assert len(said) <= markdown.LARGEST + 100
    assert re.search(r"\d+ more in results\.json", said)
    assert max(block.count("\n") for block in said.split("\n\n")) == markdown.ROWS + 1


def test_reasons_come_first_and_say_who_acts() -> None:
    said = markdown.render(*judge(no_go()))
    assert said.startswith("# ✕ NO-GO: Document jobs")
    assert "| deployment.self-healing | failed | worst recovery 94 s, limit 30 s" in said
    assert said.index("Why it is not GO (6)") < said.index("## Limits")

"""Secrets leave every text, however they are written there."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gate.redact import MASK, Redactor

printable = st.text(st.characters(exclude_categories=("C", "Z")), min_size=8, max_size=40)
around = st.text(max_size=40)


@given(secret=printable, space=st.sampled_from([" ", "\n", "\t", ""]))
def test_no_known_value_survives_in_any_writing(secret, space):
    assume("-----" not in secret)
    redactor = Redactor([secret])
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    for written in (secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe=""), encoded):
        kept = redactor.text(f"«{space}{written}{space}»")
        assert written not in kept.replace(MASK, "")


@given(
    st.recursive(printable, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(printable, inner, max_size=3))
)
def test_json_keeps_its_shape_and_loses_every_known_value(value):
    secret = "correct-horse-battery"
    planted = {"list": [value, secret, {f"a {secret} key": f"in {secret} text"}], "number": 17, "none": None}
    kept = Redactor([secret]).json(planted)
    assert secret not in json.dumps(kept)
    assert (kept["list"][1], kept["number"], kept["none"]) == (MASK, 17, None)


@given(around)
def test_a_text_without_secrets_stays_as_it_is(text):
    assume(not any(c in text for c in "=:/-"))
    assert Redactor(["correct-horse-battery"]).text(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer ***"),
        ("eyJhbGciOiJF.eyJzdWIiOiJ4.c2lnbmF0dXJl", "***"),
        ("postgresql://app:pa55@db:5432/x", "postgresql://***@db:5432/x"),
        ("redis://:only-a-password@db", "redis://***@db"),
        ("ADMIN_PASSWORD=hunter22 next", "ADMIN_PASSWORD=*** next"),
        ('{"api-key": "abcdef123", "n": 1}', '{"api-key": "***", "n": 1}'),
        ("x-api-key: abcdef123", "x-api-key: ***"),
        ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\nrest", "***\nrest"),
        ("-----BEGIN PRIVATE KEY-----\ncut off", "***"),
    ],
)
def test_shapes(text, left):
    assert Redactor().text(text) == left


def test_a_text_under_a_secrets_name_goes_whole():
    value = {
        "password": "x1",
        "DB_PASSWORD": "pa55",
        "tokens": ["kept"],
        "token_count": "12",
        "secret": 5,
        "api_key": "",
    }
    kept = Redactor().json(value)
    assert kept == {**value, "password": MASK, "DB_PASSWORD": MASK}


def test_each_line_of_a_secret_is_one_and_short_or_marker_lines_are_none():
    redactor = Redactor(["-----BEGIN X-----\nfirst-line-of-it\nsecond-line-of-it\nshort"])
    assert (
        redactor.text("first-line-of-it second-line-of-it short -----BEGIN X-----") == "*** *** short -----BEGIN X-----"
    )


def test_the_longer_of_two_values_goes_first():
    redactor = Redactor(["abcdefgh"])
    redactor.add(["abcdefghijklmnop"])
    assert redactor.text("abcdefghijklmnop") == MASK

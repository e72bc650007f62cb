"""Hundreds of generated changes of the production file: a wrong one is refused by its key, a right one accepted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procedures import validate_configuration
from procedures.configuration import ENVIRONMENTS, Production, keys
from procedures.validate_configuration import problems

PRODUCTION = Path("reference/env/production.env").read_text(encoding="utf-8")
GIVEN = dict(re.findall(r"^([A-Z0-9_]+)=(.*)$", PRODUCTION, re.MULTILINE))
DEMANDED = sorted(name.upper() for name, field in Production.model_fields.items() if field.is_required())
# Those whose range is theirs alone: of the others a valid value may contradict another key.
RANGES = {
    "DOCJOBS_PORT": (1, 65_535),
    "DOCJOBS_RATE_LIMIT_10S": (10, 1_000_000),
    "DOCJOBS_BODY_LIMIT_BYTES": (1_024, 67_108_864),
    "DOCJOBS_DATABASE_POOL": (1, 100),
    "DOCJOBS_STAGE_WAIT_MS": (0, 600_000),
    "DOCJOBS_WORKER_CONCURRENCY": (1, 64),
    "DOCJOBS_QUEUE_AGE_LIMIT_S": (1, 86_400),
    "DOCJOBS_QUEUE_LIMIT": (2, 1_000_000),
    "DOCJOBS_BACKUP_FIRST_AFTER_S": (0, 86_400),
    "DOCJOBS_LOGS_DAYS": (7, 3_650),
}
WORD = st.from_regex(r"[a-z][a-z0-9-]{3,20}", fullmatch=True)


def with_line(key: str, line: str) -> str:
    assert re.search(rf"^{key}=", PRODUCTION, re.MULTILINE)
    return re.sub(rf"^{key}=.*\n", lambda _: line, PRODUCTION, flags=re.MULTILINE)


def numbers_outside(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(max_value=low - 1) | st.integers(min_value=high + 1)


def value(key: str, text: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, str]]:
    return text.map(lambda word: (key, with_line(key, f"{key}={word}\n")))


def wrong() -> st.SearchStrategy[tuple[str, str]]:
    """A key and a file in which it is wrong."""
    unknown = st.from_regex(r"(DOCJOBS|RELEASE|COMPOSE|WORKER)_[A-Z]{3,12}", fullmatch=True).filter(
        lambda k: k not in keys()
    )
    typo = st.sampled_from(sorted(GIVEN)).map(lambda k: k[:-2] + k[-1]).filter(lambda k: k not in keys())
    bad_number = {
        key: numbers_outside(*RANGES[key]).map(str) | WORD | st.sampled_from(["1,5", "0x10", "1e", "--1", "NaN", "inf"])
        for key in RANGES
    }
    demanded = st.sampled_from(DEMANDED)
    return st.one_of(
        demanded.map(lambda key: (key, with_line(key, ""))),
        demanded.flatmap(lambda key: value(key, st.sampled_from(["", '""', "''", "   ", "# later"]))),
        st.sampled_from(sorted(GIVEN)).flatmap(
            lambda key: value(
                key, st.sampled_from(["changeme", "<fill in>", "TODO", "xxxxxx", "replace-me", "placeholder"])
            )
        ),
        st.sampled_from(sorted(RANGES)).flatmap(lambda key: value(key, bad_number[key])),
        st.one_of(unknown, typo).flatmap(lambda key: WORD.map(lambda word: (key, f"{PRODUCTION}{key}={word}\n"))),
        st.sampled_from(sorted(GIVEN)).map(lambda key: (key, f"{PRODUCTION}{key}={GIVEN[key]}\n")),  # twice
        value("ACTIVE_COLOUR", WORD.filter(lambda w: w not in {"blue", "green"})),
        value("COMPOSE_PROFILES", WORD),
        value("DOCJOBS_BIND", WORD),
        value("DOCJOBS_REGISTRY", WORD),
        value("DOCJOBS_PAGER_URL", WORD | WORD.map(lambda w: f"https://user:{w}@pager.internal/")),
        value("RELEASE_BLUE", st.sampled_from(["latest", "a b", "-1", "x" * 129, "a/b"])),
        value("DOCJOBS_STALLED_S", st.floats(1, 5.9).map(lambda s: f"{s:.2f}")),  # less than three heartbeats of 2 s
        value("DOCJOBS_BACKUP_STALE_S", st.integers(1, 3600).map(str)),
        value("DOCJOBS_BACKUP_UNVERIFIED_S", st.integers(1, 86_400).map(str)),
    )


def right() -> st.SearchStrategy[str]:
    """A file in which something is other than it was, and right."""
    inside = st.sampled_from(sorted(RANGES)).flatmap(
        lambda key: st.integers(*RANGES[key]).map(lambda number: with_line(key, f"{key}={number}\n"))
    )
    tags = st.from_regex(r"[0-9]\.[0-9]{1,2}\.[0-9]{1,2}(-rc[0-9])?", fullmatch=True)
    quoted = st.sampled_from(sorted(key for key in GIVEN if GIVEN[key])).flatmap(
        lambda key: st.sampled_from(["{k}='{v}'\n", '{k}="{v}"\n', "export {k}={v}\n", "{k}={v} # as agreed\n"]).map(
            lambda shape: with_line(key, shape.format(k=key, v=GIVEN[key]))
        )
    )
    return st.one_of(
        inside,
        tags.map(lambda tag: with_line("RELEASE_GREEN", f"RELEASE_GREEN={tag}\n")),
        WORD.map(lambda word: with_line("DOCJOBS_REGISTRY", f"DOCJOBS_REGISTRY=registry.internal/{word}/\n")),
        WORD.map(lambda word: with_line("DOCJOBS_TICKET_URL", f"DOCJOBS_TICKET_URL=https://tickets.internal/{word}\n")),
        st.permutations(PRODUCTION.splitlines(keepends=True)).map("".join),
        WORD.map(lambda word: f"# {word}\n\n{PRODUCTION}"),
        st.sampled_from([key for key in GIVEN if key not in DEMANDED]).map(lambda key: with_line(key, "")),
        quoted,
    )


@settings(max_examples=300)
@given(wrong())
def test_a_wrong_file_is_refused_by_the_name_of_its_key(mistake: tuple[str, str]) -> None:
    key, text = mistake
    found = problems(text)
    assert key in {problem.key for problem in found}, found


@settings(max_examples=200)
@given(right())
def test_a_right_file_is_accepted(text: str) -> None:
    assert problems(text) == []


@settings(max_examples=60)
@given(wrong())
def test_the_command_refuses_as_well_and_shows_no_traceback(
    tmp_path_factory: pytest.TempPathFactory, mistake: tuple[str, str]
) -> None:
    key, text = mistake
    file = tmp_path_factory.mktemp("environment") / "e"
    file.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr(validate_configuration.sys.stderr, "write", said.append)
        assert validate_configuration.main([str(file)]) == 2
    assert key in "".join(said)


@pytest.mark.parametrize("name", sorted(ENVIRONMENTS))
def test_each_committed_environment_is_valid(name: str) -> None:
    assert problems(Path(f"reference/env/{name}.env").read_text(encoding="utf-8"), name) == []


def test_what_production_does_not_allow_development_may() -> None:
    text = Path("reference/env/development.env").read_text(encoding="utf-8")
    assert {problem.key for problem in problems(text)} <= {"DOCJOBS_LOGS_DAYS", "DOCJOBS_BACKUP_STALE_S"}
    assert problems(text)

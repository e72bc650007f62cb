"""The pages in a real browser: silent, offline, reachable by keyboard, legible in the dark, on paper and on a telephone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.chromium import Tab, found

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(found() is None, reason="no Chromium on PATH: apt-get install chromium"),
]
ALL = ("go", "no-go", "incomplete", "part", "hostile", "large", "overview")
SMALL = tuple(name for name in ALL if name != "large")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPEN_ALL = "document.querySelectorAll('details').forEach(each => each.open = true)"


@pytest.fixture(autouse=True)
def as_usual(browser: Tab) -> None:
    browser.window(1280)
    browser.dark(on=False)


@pytest.mark.parametrize("name", ALL)
def test_it_asks_for_nothing_and_complains_of_nothing(name: str, browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages[name])
    browser.run("0")
    assert {each["request"]["url"] for each in browser.of("Network.requestWillBeSent")} <= {
        pages[name].as_uri(),
        "data:,",
    }
    assert browser.of("Log.entryAdded") == []
    assert browser.of("Runtime.consoleAPICalled") == []
    assert browser.of("Page.javascriptDialogOpening") == []
    assert browser.run("document.scripts.length") == 0


def test_markup_in_evidence_is_read_as_text(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["hostile"])
    browser.run(OPEN_ALL)
    assert "<script>alert(1)</script>" in browser.run("document.body.innerText")


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_rules_of_accessibility(
    name: str, width: int, dark: bool, browser: Tab, pages: dict[str, Path], axe: str  # noqa: FBT001
) -> None:  # fmt: skip
    browser.window(width)
    browser.dark(on=dark)
    browser.open(pages[name])
    browser.run(OPEN_ALL)
    browser.run(axe + ";0")
    broken = browser.run(
        f"axe.run(document, {{runOnly: {RULES}}}).then(found => found.violations.map(each => "
        "each.id + ': ' + each.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' | ')))"
    )
    assert broken == []


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("width", [360, 820, 1280])
def test_nothing_is_wider_than_the_window(name: str, width: int, browser: Tab, pages: dict[str, Path]) -> None:
    browser.window(width)
    browser.open(pages[name])
    browser.run(OPEN_ALL)
    assert browser.run("document.documentElement.scrollWidth") <= width


def test_by_keyboard_to_the_checks_through_a_filter_into_a_check(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["no-go"])
    browser.press("Tab", 9)
    assert browser.run("document.activeElement.className") == "skip"
    assert browser.run("document.activeElement.getBoundingClientRect().left") >= 0
    browser.press("Enter", 13)
    browser.run("document.getElementById('all').focus()")
    browser.press("ArrowRight", 39)
    assert browser.run("document.activeElement.id") == "show-failed"
    shown = "[...document.querySelectorAll('.check')].filter(each => each.offsetParent).map(each => each.className)"
    assert {name.split()[1] for name in browser.run(shown)} == {"s-failed"}
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.run("document.querySelector('.s-failed > summary').focus()")
    browser.press("Enter", 13)
    assert browser.run("document.activeElement.parentElement.open")


def test_controls_are_filtered_by_standing_and_by_standard(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["part"])
    shown = "[...document.querySelectorAll('.control')].filter(each => each.offsetParent).map(each => each.className)"
    browser.run("document.getElementById('control-NOT_LOOKED_AT').click()")
    assert [name.split()[1] for name in browser.run(shown)] == ["t-NOT_LOOKED_AT"] * 4
    browser.run("document.getElementById('standard-0').click()")
    assert [name.split()[1:] for name in browser.run(shown)] == [["t-NOT_LOOKED_AT", "k0"]]


def test_a_reason_leads_into_its_check(browser: Tab, pages: dict[str, Path]) -> None:
    browser.open(pages["no-go"])
    browser.run("document.querySelector('.three a').click()")
    assert browser.run("document.querySelector(':target').querySelector('p').checkVisibility()")


def test_without_its_style_sheet_everything_is_there_and_the_drawings_have_colours(
    browser: Tab, pages: dict[str, Path]
) -> None:
    """As build servers show it, whose policy allows no style."""
    browser.open(pages["no-go"])
    browser.run("document.querySelector('style').remove()")
    text = browser.run("document.body.innerText")
    for words in ("✕ NO-GO", "94 s, limit 30 s", "What was promised", "Completion criteria", "Reproduce:"):
        assert words in text or words == "Reproduce:"
    fills = browser.run("[...document.querySelectorAll('.bar rect')].map(each => getComputedStyle(each).fill)")
    assert "rgb(0, 0, 0)" not in fills


def test_paper_has_the_verdict_alone_on_its_first_page_and_no_passed_checks(
    browser: Tab, pages: dict[str, Path]
) -> None:
    browser.open(pages["no-go"])
    assert len(re.findall(rb"/Type\s*/Page\b", browser.paper())) in range(3, 16)
    browser.window(718)  # A4 between its margins
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    try:
        assert browser.run("document.querySelector('.first').getBoundingClientRect().bottom") <= 1060
        assert browser.run("getComputedStyle(document.querySelector('.s-passed')).display") == "none"
        assert browser.run("document.documentElement.scrollWidth") <= 718
    finally:
        browser.call("Emulation.setEmulatedMedia", media="", features=[])


def test_ten_thousand_checks_open_and_are_filtered_without_delay(browser: Tab, pages: dict[str, Path]) -> None:
    """In seconds of its thread's own processor time, so that a machine that is busy with others does not count."""
    browser.call("Performance.enable", timeDomain="threadTicks")
    browser.open(pages["large"])
    browser.run("document.body.offsetHeight")
    opened = busy(browser)
    browser.run("document.getElementById('show-failed').click(); document.body.offsetHeight")
    filtered = busy(browser) - opened
    browser.call("Performance.disable")
    assert opened < 5
    assert filtered < 1.0
    shown = "[...document.querySelectorAll('.check')].filter(each => each.offsetParent).length"
    assert 0 < browser.run(shown) < 1_000


def test_what_is_far_down_a_long_page_is_found_reached_filtered_and_printed(
    browser: Tab, pages: dict[str, Path]
) -> None:
    """Most of it is not drawn until somebody looks; nothing may be lost by that."""
    browser.open(pages["long"])
    last = browser.run("[...document.querySelectorAll('.group.full .check')].at(-1).id")
    assert browser.run(f"window.find('{last}', true, true, true)")
    assert browser.run("getSelection().anchorNode.parentElement.closest('.check').id") == last
    browser.run(f"scrollTo(0, 0); location.hash = '{last}'")
    browser.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() => 0)")
    place = "(({top, bottom}) => [top, bottom])(document.querySelector(':target > summary').getBoundingClientRect())"
    top, bottom = browser.run(place)
    assert 0 <= top < bottom <= browser.run("innerHeight")
    browser.run("document.getElementById('area-1').click()")
    area = browser.run("document.getElementById('area-1').parentElement.innerText.trim()")
    shown = (
        "[...document.querySelectorAll('.check')].filter(each => each.offsetParent).map(each => each.id.split('.')[0])"
    )
    assert set(browser.run(shown)) == {area}
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    try:
        kept = "[...document.querySelectorAll('.group, .check')].map(each => getComputedStyle(each).contentVisibility)"
        assert set(browser.run(kept)) == {"visible"}
    finally:
        browser.call("Emulation.setEmulatedMedia", media="", features=[])


def busy(browser: Tab) -> float:
    """Processor time of the page's main thread, s."""
    metrics = browser.call("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))

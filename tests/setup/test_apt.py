"""The mirror comes from the machine's own apt configuration, and only Debian's own mirror will do."""

from pathlib import Path

import pytest

from procedures import apt, base_image

DEBIAN = 'ID=debian\nVERSION_CODENAME="bookworm"\n'
OTHER = "deb [signed-by=/usr/share/keyrings/other.gpg] https://packages.example.com/apt bookworm main\n"


def machine(root: Path, *, release: str = DEBIAN, one_line: str = "", deb822: str = "") -> Path:
    (root / "etc/apt/sources.list.d").mkdir(parents=True)
    (root / "etc/os-release").write_text(release)
    (root / "etc/apt/sources.list").write_text(one_line)
    (root / "etc/apt/sources.list.d/debian.sources").write_text(deb822)
    return root


def test_one_line_style(tmp_path: Path) -> None:
    text = (
        OTHER
        + "# deb http://old.example.com/debian bookworm main\n"
        + "deb-src http://src.example.com/debian bookworm main\n"
        + "deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] http://mirror.example.com/debian/ bookworm main contrib # x\n"
        + "deb http://mirror.example.com/debian-security bookworm-security main\n"
    )
    assert apt.mirrors(machine(tmp_path, one_line=text)) == apt.Mirrors(
        "http://mirror.example.com/debian/", "http://mirror.example.com/debian-security"
    )


def test_deb822_style(tmp_path: Path) -> None:
    text = """\
Types: deb deb-src
# a comment
URIs: http://mirror.example.com/snapshots/latest
Suites: bookworm
  bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: https://security.example.com/debian-security
Suites: bookworm-security
Components: main
"""
    assert apt.mirrors(machine(tmp_path, deb822=text)) == apt.Mirrors(
        "http://mirror.example.com/snapshots/latest", "https://security.example.com/debian-security"
    )


@pytest.mark.parametrize(
    "text",
    [
        OTHER,
        "deb http://mirror.example.com/debian bullseye main\n",
        "deb http://mirror.example.com/debian bookworm contrib\n",
        "deb file:///srv/debian bookworm main\n",
        "",
    ],
)
def test_nothing_else_is_taken_for_debian(tmp_path: Path, text: str) -> None:
    assert apt.mirrors(machine(tmp_path, one_line=text)) == apt.Mirrors()


def test_a_disabled_source_does_not_count(tmp_path: Path) -> None:
    text = "Types: deb\nEnabled: no\nURIs: http://mirror.example.com/debian\nSuites: bookworm\nComponents: main\n"
    assert apt.mirrors(machine(tmp_path, deb822=text)) == apt.Mirrors()


def test_ubuntu_has_no_debian_mirror(tmp_path: Path) -> None:
    text = "deb http://mirror.example.com/debian noble main\n"
    assert apt.mirrors(machine(tmp_path, release="ID=ubuntu\nVERSION_CODENAME=noble\n", one_line=text)) == apt.Mirrors()


def test_the_recipe_names_the_mirror_once_for_each_suite() -> None:
    argv = base_image.recipe(Path("base.tar"), apt.Mirrors("http://a.example.com/debian", "http://b.example.com/s"))
    assert argv[-5:] == [
        "trixie",
        "base.tar",
        "deb http://a.example.com/debian trixie main",
        "deb http://a.example.com/debian trixie-updates main",
        "deb http://b.example.com/s trixie-security main",
    ]


def test_the_recipe_without_a_mirror_leaves_the_choice_to_mmdebstrap() -> None:
    assert base_image.recipe(Path("base.tar"), apt.Mirrors())[-2:] == ["trixie", "base.tar"]

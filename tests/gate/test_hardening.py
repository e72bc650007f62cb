"""[hardening] of readiness.toml, and what a kernel that lacks profiles may excuse: nothing where it has them."""

from __future__ import annotations

import pytest

from gate import kernel
from gate.hardening import NAMES, HardeningTable
from gate.model import Check, Outcome
from gate.needs import out_of_reach
from gate.target import capability_names, load
from tests.gate.toml_files import READINESS, said, written

ABSENCE = "Our machines have neither."


def check(*needs: str) -> Check:
    return Check("security.kernel-profile", "t", "w", "f", needs, (), 1, ())


def tree(folder, **files: str):
    """A root folder with these files, `__` for a slash."""
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_without_the_table_nothing_is_excepted(tmp_path):
    assert load(written(tmp_path, READINESS)).hardening == HardeningTable()


def test_every_exception_has_its_sentence(tmp_path):
    text = "".join(f'\n[hardening.{name}]\n"clerk:/x" = "Because of {name}."\n' for name in NAMES)
    table = load(written(tmp_path, READINESS + text)).hardening
    assert {name: dict(getattr(table, name)) for name in NAMES} == {
        name: {"clerk:/x": f"Because of {name}."} for name in NAMES
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('scratch = { "clerk:/tmp" = " " }', "must be the owner's sentence"),
        ('scratch = { "/tmp" = "Because." }', 'must be service:what, for example "worker:/tmp", is "/tmp"'),
        ('scratch = { "clerk:" = "Because." }', 'must be service:what, for example "worker:/tmp", is "clerk:"'),
        ('devices = { "clerc:/dev/x" = "Because." }', '"clerc" has no role: unknown service, did you mean "clerk"?'),
        ('privileged = { "clerk:all" = "Because." }', "unknown key"),
    ],
)
def test_each_mistake_is_said(tmp_path, line, message):
    assert message in str(said(tmp_path, f"{READINESS}\n[hardening]\n{line}\n"))


@pytest.mark.parametrize(
    ("files", "module"),
    [
        ({}, ""),
        ({"sys__kernel__security__lsm": "lockdown,capability,landlock,yama"}, ""),
        ({"sys__kernel__security__lsm": "lockdown,capability,yama,apparmor"}, "apparmor"),
        ({"sys__module__apparmor__parameters__enabled": "Y\n"}, "apparmor"),
        ({"sys__module__apparmor__parameters__enabled": "N\n"}, ""),
        ({"proc__self__attr__current": "unconfined\n"}, "apparmor"),
        ({"proc__self__attr__current": "docker-default (enforce)\n"}, "apparmor"),
        ({"proc__self__attr__current": "system_u:system_r:container_t:s0:c1,c2\0"}, "selinux"),
        ({"proc__filesystems": "nodev\tsysfs\nnodev\tselinuxfs\n"}, "selinux"),
        ({"proc__filesystems": "nodev\tsysfs\n"}, ""),
    ],
)
def test_one_word_of_the_kernel_is_enough(tmp_path, files, module):
    assert kernel.profiles(tree(tmp_path, **files)).module == module


def test_a_declared_absence_counts_only_where_the_kernel_has_none():
    with_profiles = {"api", kernel.PROFILES}
    assert out_of_reach(check("api", kernel.PROFILES), with_profiles, ABSENCE) is None
    assert out_of_reach(check("api", kernel.PROFILES), with_profiles, None) is None
    outcome, reason = out_of_reach(check("api", kernel.PROFILES), {"api"}, ABSENCE) or (None, "")
    assert outcome is Outcome.NOT_APPLICABLE
    assert reason.startswith(ABSENCE)
    assert "/sys/kernel/security/lsm" in reason
    outcome, reason = out_of_reach(check("api", kernel.PROFILES), {"api"}, None) or (None, "")
    assert (outcome, reason.partition(";")[0]) == (
        Outcome.UNVERIFIED,
        f"readiness.toml does not describe {kernel.PROFILES}",
    )


def test_any_other_absence_of_what_is_there_stays_unverified():
    outcome, reason = out_of_reach(check("api"), {"api"}, ABSENCE) or (None, "")
    assert outcome is Outcome.UNVERIFIED
    assert "has all that it needs" in reason


def test_what_the_kernel_has_may_be_needed_by_a_check():
    assert capability_names() >= kernel.NEEDS

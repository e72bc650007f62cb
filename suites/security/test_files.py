"""Files in the containers: what can be written, what may run, and what gives rights to whoever starts it."""

from pathlib import Path

from fixtures.hardening import code, mounts, powers, probe, scratch
from fixtures.hardening.sight import Sight
from fixtures.stack import ComposeStack
from gate.check import check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "security.writable-root",
    title="No process can write the code that its container runs, or anything else of its root file system",
    why="Whoever breaks in writes his own code where the service loads its own, and stays after the next restart.",
    fix="Set `read_only: true`, give what must be written a tmpfs or a volume, and mount none of these over code.",
    needs=("api", "worker", "database"),
    standards=("C05", "CIS Docker 5.13"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="root-writable",
            title="Workers with a writable root",
            says="read-only",
            compose={"services": {"{worker}": {"read_only": False}}},
        ),
        Sabotage(
            id="code-on-a-volume",
            title="Workers whose root is read-only, with a volume over a folder of programs",
            says="/usr/bin",
            compose={"services": {"{worker}": {"volumes": ["programs:/usr/bin"]}}, "volumes": {"programs": {}}},
        ),
    ),
)
def test_writable_root(sight: Sight, evidence: Evidence) -> None:
    excused = sight.target.hardening.writable_code
    found = probe.each(sight.seen, lambda seen: list(code.complaints(seen, excused)))
    evidence.observed(len(found), "containers, by trying to write where their code is")
    evidence.value("programs and libraries that run now", {s.name: len(code.executed(s)) for s in sight.seen})
    evidence.value("excused", dict(excused))
    wrong = [w for of_container in found.values() for w in of_container]
    wrong += [w for name, body in sight.idle.items() for w in code.declared(name, body)]
    assert not wrong, "; ".join(wrong)


@check(
    "security.scratch-space",
    title="Every file system in memory has a size, and nothing on it may run, gain rights or be a device",
    why="The one place that an intruder can write to is where he puts his tools, and where a leak takes the machine's memory.",
    fix="Write `/tmp:size=64m,mode=1777,noexec,nosuid,nodev`; what must differ stands under [hardening] scratch.",
    needs=("api", "worker", "database"),
    standards=("C06", "CWE-732"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="scratch-without-size",
            title="Workers with a file system in memory that has no size",
            says="without a size",
            compose={"services": {"{worker}": {"tmpfs": ["/mnt/scratch:mode=1777"]}}},
        ),
        Sabotage(
            id="scratch-where-programs-run",
            title="An API with a file system in memory from which programs may run",
            says="noexec",
            compose={"services": {"{api}": {"tmpfs": ["/mnt/scratch:size=1m,mode=1777,exec"]}}},
        ),
    ),
)
def test_scratch_space(sight: Sight, evidence: Evidence) -> None:
    excused = sight.target.hardening.scratch
    found = probe.each(sight.seen, lambda seen: list(scratch.complaints(seen, excused)))
    evidence.observed(
        sum(len(scratch.of_container(s)) for s in sight.seen), "file systems in memory, by mount and by trying"
    )
    evidence.value("excused", dict(excused))
    shared = {seen.name: scratch.bounded_by_the_disk(mounts.mounts(seen.main.folder)) for seen in sight.seen}
    evidence.value(
        "writable folders of a disk, bounded by its end alone", {n: where for n, where in shared.items() if where}
    )
    wrong = [w for of_container in found.values() for w in of_container]
    wrong += [w for name, body in sight.idle.items() for w in scratch.declared(name, body, excused)]
    assert not wrong, "; ".join(wrong)


@check(
    "security.setuid-files",
    title="No file in any container gives rights to whoever starts it: setuid, setgid or capabilities",
    why="A stock image brings a dozen programs that turn any user into root; no service needs one of them.",
    fix="End the build, in its last stage, with `find / -xdev -type f -perm /6000 -exec chmod a-s {} +`.",
    needs=("api", "worker", "database"),
    standards=("C17", "CIS Docker 4.8", "CWE-250"),
    minimum=30,
    broken_by=(
        Sabotage(
            id="setuid-file-on-volume",
            title="A setuid program on a volume of a worker",
            says="setuid",
            compose={"services": {"{worker}": {"volumes": ["kept:/mnt/kept"]}}, "volumes": {"kept": {}}},
            exec=(
                {
                    "role": "worker",
                    "user": "0",
                    "command": ["sh", "-c", "cp /bin/true /mnt/kept/tool && chmod 4755 /mnt/kept/tool"],
                },
            ),
        ),
    ),
)
def test_setuid_files(stack: ComposeStack, sight: Sight, evidence: Evidence, tmp_path: Path) -> None:
    excused = sight.target.hardening.setuid_files
    found = probe.each(sight.seen, lambda seen: powers.running(seen, tmp_path))
    running = {seen.container.image_id for seen in sight.seen}
    ended = {c.image_id: c for c in sight.stopped if c.status == "exited" and c.image_id not in running}
    of_ended = [(c, powers.stopped(stack.engine, c)) for c in ended.values()]
    files = {seen.name: looked.files for seen, looked in found.items()} | {c.name: k.files for c, k in of_ended}
    evidence.observed(sum(files.values()), "files")
    evidence.value("files by container", files)
    evidence.value("excused", dict(excused))
    wrong = [w for seen, looked in found.items() for w in looked.complaints(seen.name, seen.service, excused)]
    wrong += [w for c, looked in of_ended for w in looked.complaints(c.name, c.service, excused)]
    assert not wrong, "; ".join(wrong)

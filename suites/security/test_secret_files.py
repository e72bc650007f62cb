from concurrent.futures import ThreadPoolExecutor

import pytest

from fixtures import secret_files
from fixtures.clients.docker import Container
from fixtures.secret_files import STRANGER
from fixtures.secrets import secret_values
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage

AT_ONCE = 6


@check(
    "security.secret-files",
    title="Each mounted secret can be read by the user that its service runs as, and by nobody else",
    why="A secret that every user may read is no secret to whoever gets in as nobody, or has an account on the machine.",
    fix="Give the file mode 0440 and a group of the service's own, in a folder that only its owner may enter.",
    needs=("api", "worker", "database"),
    standards=("C32", "ASVS 5.0 13.3.2", "CWE-732"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="secret-that-everybody-reads",
            title="A secret from a file that everybody may read",
            compose={
                "secrets": {"readable": {"file": "/etc/hostname"}},
                "services": {"{worker}": {"secrets": ["readable"]}},
            },
        ),
    ),
)
@pytest.mark.usefixtures("whole_system")
def test_secret_files(stack: ComposeStack, evidence: Evidence) -> None:
    mounted = [(c, secret_files.mounted(stack.model, c.service)) for c in stack.containers()]
    having = [(c, secrets) for c, secrets in mounted if secrets]
    if not having:
        raise Unverified("no container mounts a secret as the compose model declares them: nothing was looked at")
    private = secret_values(stack).keys()  # what is public, such as a certificate, may be read by everybody
    wrong = []
    by_group: dict[str, set[str]] = {}
    for container, secrets in having:
        found = secret_files.files(container, secrets)
        evidence.value(f"{container.service}", {file.path: file.shown for file in found})
        evidence.observed(len(found), "secrets, by their modes")
        by_group[container.id] = secret_files.shared_by_group(container, found)
        opened = [file for file in found if file.open_to_all and secrets[file.path] in private]
        wrong += [f"{container.service}: {file.path} is open to every user ({file.shown})" for file in opened]

    def tried(each: tuple[Container, dict[str, str]]) -> tuple[Container, dict[str, str], set[str], set[str]]:
        container, secrets = each
        own = secret_files.readable(stack, container, secrets)
        return container, secrets, own, secret_files.readable(stack, container, secrets, STRANGER)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for container, secrets, own, others in pool.map(tried, having):
            evidence.observed(2 * len(secrets), "attempts to read, by the service's user and by another")
            wrong += [f"{container.service}: its own user cannot read {path}" for path in secrets if path not in own]
            read = sorted(path for path in others - by_group[container.id] if secrets[path] in private)
            wrong += [f"{container.service}: {path} was read by user {STRANGER}" for path in read]
    used = {source for _, secrets in having for source in secrets.values()}
    wrong += [
        f"the file of {name} is open to everybody on this machine ({how})"
        for name, how in secret_files.on_the_machine(stack.declared, used & private)
    ]
    assert not wrong, "; ".join(wrong)

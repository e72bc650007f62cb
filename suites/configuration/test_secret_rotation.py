import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from fixtures import release
from fixtures.clients.api import Api
from fixtures.clients.database import Database
from fixtures.ledger import Ledger, Reconciliation
from fixtures.secrets import secret_values
from fixtures.stack import ComposeStack
from fixtures.template import fill
from fixtures.traffic import Traffic, traffic
from fixtures.wait import NotReached, until
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.redact import Redactor
from gate.target import Target

_ACTS_WITHIN_S = 10
_KEYS_ONLY = "case '{secret}' in *password*) ;; *) {command:rotate_secret} ;; esac"
_REFUSED = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}


@check(
    "configuration.secret-rotation",
    title="The database password and the signing key are rotated without a failed request, and the old ones are refused",
    why="A secret that cannot be changed without an outage is not changed when it has been seen by others.",
    fix="Let `commands.rotate_secret` accept both while services move to the new one, and end the old one afterwards.",
    needs=(
        "api",
        "worker",
        "job",
        "auth",
        "rotation",
        "database.sql",
        "commands.rotate_secret",
        "commands.retire_secret",
        "commands.audit_log",
    ),
    standards=("C40", "ASVS 5.0 13.3.4"),
    minimum=50,
    broken_by=(
        Sabotage(
            id="old-key-still-accepted",
            title="A rotation that never ends the old signing key",
            command=({"name": "retire_secret", "argv": ["true"]},),
            says="old signing key",
        ),
        Sabotage(
            id="old-password-still-accepted",
            title="A rotation that leaves the database its old password",
            command=({"name": "rotate_secret", "argv": ["sh", "-c", _KEYS_ONLY]},),
            says="old password",
        ),
    ),
)
@pytest.mark.usefixtures("steady_state")
def test_secret_rotation(
    stack: ComposeStack,
    target: Target,
    limits: dict[str, Limit],
    evidence: Evidence,
    redactor: Redactor,
) -> None:
    table = target.rotation
    assert table is not None
    if stack.secrets is None:
        raise Unverified("the stack has no secrets of its own that could be rotated: they cannot be read by this user")
    scene = Scene(stack, limits, evidence)
    if table.signing_key:
        _key(scene, table.signing_key)
    for secret, role in table.passwords.items():
        _password(scene, secret, role)
    redactor.add(secret_values(stack).values())
    account = _account(scene)
    evidence.value("job ledger", account.json())
    assert not scene.faults, "; ".join(scene.faults)
    account.demand_done()


@dataclass(slots=True)
class Scene:
    """What the rotations share: where they are made, what went wrong, and the traffic meanwhile."""

    stack: ComposeStack
    limits: dict[str, Limit]
    evidence: Evidence
    faults: list[str] = field(default_factory=list)
    streams: list[Traffic] = field(default_factory=list)

    @contextmanager
    def under_traffic(self, what: str) -> Iterator[None]:
        """Requests and jobs while the block lasts; those that fail are a fault."""
        rate, jobs = self.limits["rollback.traffic_per_s"].value, int(self.limits["rollback.jobs_in_flight"].value)
        with traffic(self.stack, per_second=rate, jobs_at_once=jobs) as stream:
            self.streams.append(stream)
            yield
        self.evidence.observed(stream.sent, f"requests while {what}")
        if failed := stream.failed:
            self.faults.append(f"while {what} {len(failed)} of {stream.sent} requests failed, first: {failed[0]}")

    def run(self, name: str, secret: str) -> None:
        """Run one of the two commands; a rotation that is not recorded is a fault. Raises CommandFailed."""
        before = release.recorded(self.stack)
        done = self.stack.command(name, secret=secret).check(f"{name} {secret}")
        self.evidence.measure(f"{name} {secret}", done.seconds, "s")
        new = release.recorded(self.stack)[len(before) :]
        if name == "rotate_secret" and not any(secret in str(line) and line.get("who") for line in new):
            self.faults.append(f"the record says nothing of the rotation of {secret}")


def _account(scene: Scene) -> Reconciliation:
    """What became of every job that was under way. Asked with a token of the new key."""
    api = Api(scene.stack)
    try:
        ledger = Ledger.of(scene.stack, api)
        for stream in scene.streams:
            ledger.adopt(stream.jobs)
        ledger.follow()
        return ledger.reconcile()
    finally:
        api.close()


def _key(scene: Scene, name: str) -> None:
    """Rotate the signing key: tokens of both keys are accepted until the old one is ended, then only the new."""
    stack, evidence, faults = scene.stack, scene.evidence, scene.faults
    old = Api(stack)
    if (before := _status(stack, old)) in _REFUSED:
        raise Unverified(f"a token is refused before anything is rotated: {before}")
    with scene.under_traffic("the signing key was rotated"):
        scene.run("rotate_secret", name)
        during = _status(stack, old)
    new = Api(stack)
    with scene.under_traffic("the old signing key was ended"):
        accepted = _status(stack, new)
        scene.run("retire_secret", name)
        try:
            until(lambda: _status(stack, old) in _REFUSED, _ACTS_WITHIN_S, "a token of the old signing key is refused")
        except NotReached:
            faults.append(f"a token of the old signing key is still accepted {_ACTS_WITHIN_S} s after it was ended")
        after = _status(stack, new)
    evidence.value(
        "answers to tokens",
        {
            "old key, both accepted": during,
            "new key, both accepted": accepted,
            "old key ended": _status(stack, old),
            "new key": after,
        },
    )
    evidence.observed(5, "requests with tokens of the old and of the new key")
    if during in _REFUSED:
        faults.append(f"a token of the old key was refused ({during}) before the key was ended")
    faults += [f"a token of the new key is refused: {status}" for status in {accepted, after} if status in _REFUSED]
    if old.authorisation() == new.authorisation():
        faults.append("the token is the same as before: nothing was rotated")
    old.close()
    new.close()


def _password(scene: Scene, secret: str, role: str) -> None:
    """Rotate a database password: the new one is accepted, the old one refused, services go on with new connections."""
    stack, faults = scene.stack, scene.faults
    file = Path(stack.declared["secrets"][secret]["file"])
    old = file.read_text().strip()
    if not _logs_in(stack, role, old):
        raise Unverified(f"{role} cannot log in with the password in {secret} before anything is rotated")
    if _logs_in(stack, role, f"{old}x"):
        raise Unverified(f"{role} logs in with a wrong password too, so an old one cannot be seen to be refused")
    with scene.under_traffic(f"{secret} was rotated"):
        scene.run("rotate_secret", secret)
        scene.run("retire_secret", secret)
        if _logs_in(stack, role, old):
            faults.append(f"the old password of {role} is still accepted")
        if not _logs_in(stack, role, file.read_text().strip()):
            faults.append(f"the password in {secret} is not that of {role}")
    if nobody := _new_connections(stack, role):
        faults.append(nobody)
    scene.evidence.observed(4, "attempts to log in")


def _new_connections(stack: ComposeStack, role: str) -> str:
    """End the idle sessions of the role: only whoever has the new password comes back. A sentence when nobody does."""
    assert stack.target.database is not None
    database = Database(stack)
    of_role = "usename = '{}' AND backend_type = 'client backend'".format(role.replace("'", "''"))
    idle = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE {of_role} AND state = 'idle'"  # noqa: S608
    moment = database.value("SELECT clock_timestamp()::text")
    ended = database.value(idle)
    if not int(ended or 0):
        raise Unverified(
            f"{role} had no idle session that could be ended, so it is not seen whether services come back"
        )
    fresh = f"SELECT count(*) FROM pg_stat_activity WHERE {of_role} AND backend_start > '{moment}'"  # noqa: S608
    try:
        until(lambda: int(database.value(fresh) or 0) > 0, _ACTS_WITHIN_S, "services open new sessions", every=0.5)
    except NotReached:
        return f"no service opened a new session as {role} within {_ACTS_WITHIN_S} s after its sessions were ended"
    return ""


def _status(stack: ComposeStack, api: Api) -> int:
    """How a request that needs a token is answered: for a job that there is not."""
    return api.get(fill(stack.target.job.status_path, {"id": str(uuid.uuid4())})).status_code


def _logs_in(stack: ComposeStack, role: str, password: str) -> bool:
    """Whether the database lets the role in over the network with this password, which no argument shows."""
    table = stack.target.database
    assert table is not None
    words = {"host": "127.0.0.1", "dbname": table.name, "user": role, "connect_timeout": "5"}
    quoted = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in words.items()}
    connection = " ".join(f"{name}='{value}'" for name, value in quoted.items())
    script = 'IFS= read -r PGPASSWORD; export PGPASSWORD; psql -XAtq -w -d "$1" -c "SELECT 1"'
    where = stack.containers("database")[0]
    done = stack.exec(where, ["sh", "-c", script, "sh", connection], input=f"{password}\n")
    if done.status != 0 and "authentication failed" not in done.stderr:
        raise Unverified(f"the database did not say whether {role} may log in: {done.tail}")
    return done.status == 0

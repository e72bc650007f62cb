import pytest

from fixtures import release
from fixtures.agreement import running
from fixtures.ledger import Ledger
from fixtures.stack import ComposeStack
from fixtures.switching import accounted
from fixtures.traffic import Traffic
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage
from gate.target import Target

# What the procedure refuses is written into the file all the same.
_ANYHOW = "{command:change_configuration} || echo '{setting}' >> \"$COMPOSE_ENV_FILES\""


@check(
    "configuration.change",
    title="A setting is changed by the procedure: validated, previewed, no request failed, recorded, taken back",
    why="A setting that can only be changed with an outage, or past the record, is changed by hand on a bad day.",
    fix="Let `commands.change_configuration` validate first, bring the new value up beside the old, and record it.",
    needs=(
        "api",
        "worker",
        "job",
        "configuration.change",
        "commands.change_configuration",
        "commands.change_configuration_dry_run",
        "commands.audit_log",
    ),
    standards=("C36",),
    minimum=50,
    broken_by=(
        Sabotage(
            id="change-not-validated",
            title="A change that is rolled out whatever it says",
            command=({"name": "change_configuration", "argv": ["sh", "-c", _ANYHOW]},),
            says="was not refused",
        ),
        Sabotage(
            id="change-not-recorded",
            title="A record in which changes of settings do not stand",
            command=({"name": "audit_log", "argv": ["sh", "-c", "{command:audit_log} | grep -v configur || true"]},),
            says="the record",
        ),
        Sabotage(
            id="change-with-an-outage",
            title="A change that ends by restarting the API at once",
            command=(
                {
                    "name": "change_configuration",
                    "argv": [
                        "sh",
                        "-c",
                        "{command:change_configuration} && docker compose restart --timeout 0 {services:api}",
                        "x",
                    ],
                },
            ),
            says="requests failed",
        ),
    ),
)
@pytest.mark.usefixtures("steady_state")
def test_change(
    stack: ComposeStack, target: Target, ledger: Ledger, limits: dict[str, Limit], evidence: Evidence
) -> None:
    table = target.configuration
    assert table is not None
    assert table.change is not None
    assert table.wrong_change is not None
    key, _, wanted = table.change.partition("=")
    original = _in_force(stack, key)
    if set(original.values()) == {wanted}:
        raise Unverified(f"{key} has the value {wanted} already, so a change to it would not be seen")
    _demand_refused(stack, table.wrong_change, evidence)
    _demand_previewed(stack, table.change, evidence)
    back = f"{key}={next(iter(original.values()))}"
    rate = limits["rollback.traffic_per_s"].value
    with accounted(stack, ledger, per_second=rate, jobs_at_once=int(limits["rollback.jobs_in_flight"].value)) as stream:
        try:
            there = _changed(stack, table.change, evidence)
        except BaseException:
            stack.command("change_configuration", setting=back)
            raise
        returned = _changed(stack, back, evidence)
    ledger.follow()
    evidence.observed(stream.sent, "requests while the setting was changed and taken back")
    evidence.value("in force", {"before": original, "after the change": there, "taken back": returned})
    _demand_served(stream)
    ledger.reconcile().demand_done()
    assert there, f"after the change no running process has {key}"
    assert set(there.values()) == {wanted}, f"after the change {key} is {sorted(set(there.values()))}, not {wanted}"
    assert set(returned.values()) == set(original.values()), f"taken back, {key} is {sorted(set(returned.values()))}"


def _in_force(stack: ComposeStack, key: str) -> dict[str, str]:
    """The value that the main process of each running container was started with. Raises Unverified where none has it."""
    found = {holder.name: holder.values[key] for holder in running(stack.containers(), [key]) if key in holder.values}
    if not found:
        raise Unverified(f"no main process was seen that has {key}: is it a setting of a service, and are you root?")
    return found


def _picture(stack: ComposeStack) -> dict[str, str]:
    """What a change could have touched: the environment file, and every container with its start."""
    containers = {c.name: f"{c.id[:12]} {c.status} since {c.started_at}" for c in stack.all_containers()}
    return {"the environment file": stack.env_file.read_text(), **containers}


def _demand_refused(stack: ComposeStack, wrong: str, evidence: Evidence) -> None:
    before = _picture(stack)
    done = stack.command("change_configuration", setting=wrong)
    after = _picture(stack)
    evidence.value(f"change to {wrong}", f"exit {done.status}")
    key = wrong.partition("=")[0]
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert done.status != 0, f"the change to {wrong} was not refused"
    assert not changed, f"the change to {wrong} was not refused before it changed {', '.join(changed)}"
    assert key in done.stdout + done.stderr, f"the change to {wrong} is refused without naming {key}"
    evidence.observed(1, "wrong change")


def _demand_previewed(stack: ComposeStack, change: str, evidence: Evidence) -> None:
    before = _picture(stack)
    done = stack.command("change_configuration_dry_run", setting=change).check("the dry run of a change")
    after = _picture(stack)
    evidence.attach("plan.txt", done.stdout)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    assert change.partition("=")[0] in done.stdout, "the dry run does not name the setting"
    assert not changed, f"the dry run changed {', '.join(changed)}"


def _changed(stack: ComposeStack, change: str, evidence: Evidence) -> dict[str, str]:
    """Change a setting by the procedure; what is in force afterwards. Fails when it is not recorded."""
    before = release.recorded(stack)
    done = stack.command("change_configuration", setting=change).check(f"changing {change}")
    evidence.measure(f"change to {change}", done.seconds, "s")
    new = release.recorded(stack)[len(before) :]
    key, _, value = change.partition("=")
    told = [line for line in new if key in str(line) and value in str(line) and line.get("who") and line.get("at")]
    assert told, f"the record says nothing of the change to {change}: {len(new)} new lines"
    return _in_force(stack, key)


def _demand_served(stream: Traffic) -> None:
    failed = stream.failed
    assert not failed, f"{len(failed)} of {stream.sent} requests failed, first: {failed[0]}"

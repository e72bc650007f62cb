"""What the kernel keeps from every process: system calls, and whatever its profile does not name."""

from fixtures.hardening import confinement
from fixtures.hardening.sight import Sight
from fixtures.stack import ComposeStack
from gate import kernel
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage


@check(
    "security.seccomp",
    title="A filter of system calls is active on every process, and it lets no dangerous ones through",
    why="Most ways out of a container begin with a system call that no service ever needs.",
    fix="Take `seccomp:unconfined` out of `security_opt`, and `seccomp-profile` out of the engine's daemon.json.",
    needs=("api", "worker", "database"),
    standards=("C07", "CIS Docker 5.22"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="seccomp-unconfined",
            title="Workers without a filter of system calls",
            compose={"services": {"{worker}": {"security_opt": ["seccomp:unconfined"]}}},
        ),
    ),
)
def test_seccomp(stack: ComposeStack, sight: Sight, evidence: Evidence) -> None:
    profile = confinement.engine_profile(stack.engine.security_options())
    evidence.observed(sight.processes, "processes, by their filter of system calls")
    evidence.value("the engine's own filter", profile or "none")
    wrong = [w for seen in sight.seen for w in confinement.unfiltered(seen)]
    wrong += [w for name, body in sight.idle.items() for w in confinement.undeclared_filter(name, body)]
    assert not wrong, "; ".join(wrong)
    assert profile in {"default", "builtin"}, (
        f"the engine's own filter is {profile or 'switched off'}, for all containers"
    )


@check(
    "security.kernel-profile",
    title="Every process is under an enforced AppArmor or SELinux profile",
    why="When all else fails the profile still keeps a process from the host's files.",
    fix="Take `apparmor:unconfined` or `label:disable` out of `security_opt`. On a machine whose kernel has neither module, "
    "declare that under [absent]: it counts only there.",
    needs=("api", "worker", "database", kernel.PROFILES),
    standards=("C08", "CIS Docker 5.2", "CIS Docker 5.3"),
    minimum=3,
    broken_by=(
        Sabotage(
            id="profile-unconfined",
            title="Workers without the kernel's profile",
            compose={"services": {"{worker}": {"security_opt": ["apparmor:unconfined", "label:disable"]}}},
        ),
    ),
)
def test_kernel_profile(sight: Sight, evidence: Evidence) -> None:
    found = kernel.profiles()
    if not found.module:
        raise Unverified(f"this kernel has neither module: {found}")
    evidence.observed(sight.processes, f"processes, by the label that {found.module} gave them")
    evidence.value("this machine's kernel", found.seen)
    wrong = [w for seen in sight.seen for w in confinement.unprofiled(seen, found.module)]
    assert not wrong, "; ".join(wrong)

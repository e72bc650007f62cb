"""Refuses tokens before their end: one by its id, or all that a subject of a tenant was issued until now."""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from procedures import shell
from procedures.commands import Argv, Compose
from procedures.refusal import Refused
from procedures.system import Run
from procedures.token import LONGEST_S

_TIMEOUT_S = 30.0
_ID = re.compile(r"[A-Za-z0-9._:@-]{1,200}")
# Values go to psql as variables and into the statement as literals that it quotes itself.
_INSERT = """
INSERT INTO docjobs.revocation (token_id, tenant, subject, issued_until, ends_at, reason) VALUES (
    nullif(:'token_id', ''), nullif(:'tenant', ''), nullif(:'subject', ''),
    CASE WHEN :'tenant' <> '' THEN now() END, now() + make_interval(secs => :lasts_s), :'reason');
"""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is refused: a token id, or a tenant and a subject; for how many seconds, and why."""

    reason: str
    token_id: str = ""
    tenant: str = ""
    subject: str = ""
    lasts_s: int = LONGEST_S

    @property
    def variables(self) -> dict[str, str]:
        """The statement's variables."""
        return {
            "token_id": self.token_id,
            "tenant": self.tenant,
            "subject": self.subject,
            "lasts_s": str(self.lasts_s),
            "reason": self.reason,
        }


def claims_of(token: str) -> Mapping[str, Any]:
    """What a compact JWT says, its signature unseen: whoever revokes a forged one does no harm. Refused when it is none."""
    try:
        payload = token.strip().split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error):
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("jti"), str):
        raise Refused("standard input holds no token with an id", "scripts/revoke-token.sh --tenant T --subject S")
    return said


def argv(compose: Compose, revocation: Revocation) -> Argv:
    """The command that writes it, which reads the statement from standard input."""
    words = [word for name, value in revocation.variables.items() for word in ("-v", f"{name}={value}")]
    connection = "dbname=docjobs user=docjobs_superuser connect_timeout=5"
    return compose.inside("database", "psql", "-Xq", "-v", "ON_ERROR_STOP=1", *words, "-d", connection, "-f", "-")


def revoke(run: Run, compose: Compose, revocation: Revocation) -> None:
    """Write it down; every API refuses the token within a second. CommandFailed when the database does not take it."""
    mend = "see that the database answers, then the same command again"
    run(argv(compose, revocation), input=_INSERT, timeout_s=_TIMEOUT_S).check("the token is not revoked", mend)


def main(arguments: list[str]) -> int:
    """Exit status 0 when it is written down, 1 when the database does not take it, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="scripts/revoke-token.sh", description=__doc__, epilog=main.__doc__)
    parser.add_argument(
        "--id", default="", help="the token's id (jti); without it the token is read from standard input"
    )
    parser.add_argument(
        "--tenant", default="", help="with --subject: all tokens of that subject that were issued until now"
    )
    parser.add_argument("--subject", default="")
    parser.add_argument("--reason", default="revoked by hand")
    given = parser.parse_args(arguments)
    if bool(given.tenant) != bool(given.subject) or (given.id and given.tenant):
        parser.error("give either --id, or --tenant and --subject, or a token on standard input")
    try:
        revoke(shell.run, Compose.of(), _wanted(given))
    except Refused as error:
        sys.stderr.write(f"revoke-token.sh: {error}\n")
        return 2
    except shell.CommandFailed as error:
        sys.stderr.write(f"revoke-token.sh: {error}\n")
        return 1
    return 0


def _wanted(given: argparse.Namespace) -> Revocation:
    if given.tenant:
        return Revocation(given.reason, tenant=given.tenant, subject=given.subject)
    if given.id:
        if not _ID.fullmatch(given.id):
            raise Refused(f"{given.id!r} is no id of a token", "scripts/revoke-token.sh < TOKEN")
        return Revocation(given.reason, token_id=given.id)
    said = claims_of(sys.stdin.read())
    left = int(said["exp"] - time.time()) if isinstance(said.get("exp"), int | float) else LONGEST_S
    return Revocation(given.reason, token_id=said["jti"], lasts_s=min(max(left + 60, 60), LONGEST_S))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

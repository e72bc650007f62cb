from fixtures.exposure import for_others
from fixtures.network import tls
from fixtures.stack import ComposeStack
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Sabotage
from gate.target import Target


@check(
    "security.transport",
    title="Published ports take TLS 1.2 and 1.3 with strong ciphers alone, and show a certificate that can be verified",
    why="An old protocol or a plain port beside the new one is what an attacker between client and system chooses.",
    fix="Set the lowest version to TLS 1.2 and the ciphers to ECDHE with AES-GCM or ChaCha20; renew the certificate.",
    needs=("api", "api.tls"),
    standards=("C25", "ASVS 5.0 12.1.1", "ASVS 5.0 12.1.2", "ASVS 5.0 12.2.1", "ASVS 5.0 12.2.2", "CWE-326"),
    minimum=len(tls.OFFERS),
    broken_by=(
        Sabotage(
            id="port-without-tls",
            title="A port published beside that of the API, where nobody speaks TLS",
            compose={
                "networks": {"way-out": {}},
                "services": {"{api}": {"networks": {"way-out": {}}, "ports": ["0.0.0.0::18443"]}},
            },
        ),
    ),
)
def test_transport(stack: ComposeStack, target: Target, evidence: Evidence) -> None:
    name = target.api.server_name or "localhost"
    with tls.lax() as planted:
        found = tls.offered(planted, "localhost")
        blind = [offer.name for offer in tls.OFFERS if not found.offers[offer.name]]
        if blind or not tls.verified(planted, "localhost", None) or not tls.plain_answer(planted, "localhost"):
            raise Unverified(
                f"a server that takes everything was not found out: {', '.join(blind) or 'its certificate'}"
            )
    wrong = []
    ca_file = str(stack.folder / target.api.ca_file) if target.api.ca_file else None
    for container, port in for_others(stack, stack.declared):
        address = container.published(port)
        # A database begins in plain by its protocol, whatever follows: security.internal-transport looks at that.
        if container.role != "database" and address is not None:
            where = f"{container.service}:{port}"
            taken = tls.offered(address, name)
            evidence.value(f"agreed on with {where}", taken.offers)
            evidence.observed(len(taken.offers), "offers, each made alone")
            wrong += [f"{where} takes {weak}" for weak in taken.weak]
            if not taken.modern:
                wrong.append(f"{where} takes neither TLS 1.2 nor 1.3 with a strong cipher")
            if why := tls.verified(address, name, ca_file):
                wrong.append(f"{where} shows a certificate that a client cannot verify: {why}")
            if line := tls.plain_answer(address, name):
                evidence.value(f"answered by {where} without TLS", line)
                if line.split()[1][:1] in {"1", "2", "3"}:
                    wrong.append(f"{where} serves requests without TLS: {line}")
    assert not wrong, "; ".join(wrong)

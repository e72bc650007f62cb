from fixtures.recovery.picture import shown
from fixtures.recovery.rehearsal import Rehearsal
from gate.check import Unverified, check
from gate.evidence import Evidence
from gate.model import Limit, Sabotage

# What an operator's tool could forget, done to the restored database by whoever restores it: works in any system's.
FORGOTTEN = """
DO $$ DECLARE each record; BEGIN
    FOR each IN SELECT c.oid::regclass AS name, a.grantee::regrole AS who FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relkind = 'r' AND a.grantee NOT IN (c.relowner, 0)
            AND c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
    LOOP EXECUTE format('REVOKE ALL ON %s FROM %s', each.name, each.who); END LOOP;
END $$
"""
LOGIN = """
DO $$ DECLARE each record; BEGIN
    FOR each IN SELECT rolname FROM pg_roles WHERE rolcanlogin AND NOT rolsuper
    LOOP EXECUTE format('ALTER ROLE %I CREATEDB', each.rolname); END LOOP;
END $$
"""
EMPTIED = """
DO $$ DECLARE each record; BEGIN
    FOR each IN SELECT c.oid::regclass AS name FROM pg_class c WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > 0
        AND c.relnamespace::regnamespace::text !~ '^(pg_|readygate_|information_schema)'
        ORDER BY pg_relation_size(c.oid) DESC LIMIT 1
    LOOP EXECUTE format('TRUNCATE %s CASCADE', each.name); END LOOP;
END $$
"""


def _and_then(sql: str) -> dict[str, object]:
    """The restore to a time, behind which a statement is run in the restored database."""
    psql = 'docker compose exec -T {services:database} psql -q -U {database:user} -d {database:name} -c "$0"'
    return {"name": "restore_to", "argv": ["sh", "-ec", "{command:restore_to}; " + psql, sql]}


@check(
    "recovery.restore",
    title="From the backup repository alone a clean host has every row, right, role and definition back, and works on them",
    why="A backup that was never restored is a hope: tools exit 0 on a restore without roles, grants or half of the rows.",
    fix="Restore the whole cluster, physically or with its globals, and compare what came back before it is used.",
    needs=("restore", "commands.restore", "commands.restore_to", "database.sql", "job", "faults"),
    minimum=10,
    broken_by=(
        Sabotage(
            id="restore-forgets-grants",
            title="A restore after which nobody but the owners may touch the tables",
            command=(_and_then(FORGOTTEN),),
            says="is not what it was",
        ),
        Sabotage(
            id="restore-forgets-roles",
            title="A restore that makes the roles anew with more rights than they had",
            command=(_and_then(LOGIN),),
            says="is not what it was",
        ),
        Sabotage(
            id="restore-without-the-largest-table",
            title="A restore that leaves the largest table empty",
            command=(_and_then(EMPTIED),),
            says="is not what it was",
        ),
        Sabotage(
            id="restore-does-nothing",
            title="A restore command that ends with 0 without restoring",
            command=({"name": "restore_to", "argv": ["true"]},),
            says="nothing was restored",
        ),
    ),
)
def test_restore(rehearsal: Rehearsal, limits: dict[str, Limit], evidence: Evidence) -> None:
    rebuilt, before = rehearsal.demand_rebuilt(), rehearsal.before
    back = rehearsal.demand_returned()[0]
    if before is None or back.picture is None:
        raise AssertionError(f"nothing was restored that could be compared: {back.failed}")
    evidence.observed(before.parts, "tables, roles, rights, sequences and invariants compared")
    evidence.value("rows compared", before.rows)
    evidence.value("tables as restored", dict(back.picture.tables))
    evidence.value("invariants", dict(back.picture.invariants))
    evidence.value("database MB", round(rebuilt.database_bytes / 1e6, 1))
    evidence.value("pg_amcheck looked", bool(back.examined and back.examined.looked))
    assert not back.differences, f"what was restored is not what it was: {shown(back.differences)}"
    if back.examined and back.examined.found:
        raise AssertionError(f"the restored database is corrupt: {back.examined.found}")
    assert back.works, f"the system does not work on what was restored: {back.failed}"
    if rehearsal.loss is None or rehearsal.loss.repository != rehearsal.repository_after:
        raise AssertionError("the rehearsal wrote into the repository of the lost host, which another restore may need")
    if not before.rows:
        raise Unverified("there was no row to be restored")
    evidence.measure("lost until the system did a job on a clean host", rebuilt.rto_s, "s", limits["recovery.rto_s"])

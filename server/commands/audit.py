"""`python run.py doctor audit`: verifies the audit log of moderators."""

import re

from server.control import open_audit_check
from server.errors import ConfigurationError
from server.models.moderation.audit_chain import ChainHead
from server.settings import Settings

HEAD = re.compile(r"([1-9][0-9]{0,15}):([0-9a-f]{64})")


async def check_audit_log(settings: Settings, known: str | None) -> int:
    """Verify all entries. Return exit code 1 if one was changed, deleted or added.

    known: The head that an earlier run printed, as `SEQUENCE:HASH`.
    """
    async with open_audit_check(settings) as check:
        report = await check.run(None if known is None else _parse(known))
    print(f"Verified {report.entries} entries of the audit log.")
    if report.unchained:
        print(f"{report.unchained} older entries have no hash and cannot be verified.")
    if not report.has_triggers:
        print("The database does not refuse changes to the log: docs/operations.md has the triggers.")
    if report.problem is not None:
        print(f"The audit log was changed. {report.problem}")
        return 1
    if report.head.sequence:
        print(
            f"Keep this elsewhere, for the next `run.py doctor audit`: {report.head.sequence}:{report.head.hash}"
        )
    return 0


def _parse(text: str) -> ChainHead:
    match = HEAD.fullmatch(text)
    if match is None:
        raise ConfigurationError(
            f"Invalid entry {text!r}: expected SEQUENCE:HASH, as an earlier run printed it."
        )
    return ChainHead(int(match[1]), match[2])

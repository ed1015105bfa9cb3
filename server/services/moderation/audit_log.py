"""The audit log: what moderators and operators did, as a chain that shows every change to it."""

from dataclasses import dataclass

from server.models.moderation.audit_chain import AuditChainRepository, ChainHead

ENTRIES_PER_QUERY = 1000


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Result of a verification. `problem` describes the first broken entry; None if there is none.

    `unchained` entries were written before the log was a chain, and cannot be verified.
    """

    entries: int
    unchained: int
    head: ChainHead
    problem: str | None
    has_triggers: bool


class AuditCheck:
    """Verifies the chain."""

    def __init__(self, chain: AuditChainRepository) -> None:
        self._chain = chain

    async def run(self, known: ChainHead | None = None) -> AuditReport:
        """Verify every entry, and that the entry with the sequence of `known` has its hash.

        `known` is a head that an earlier verification printed and that was kept elsewhere: it shows when the whole
        chain was computed again.
        """
        head = await self._chain.get_head()
        entries, problem = await self._verify(head, known)
        return AuditReport(
            entries, await self._chain.count_unchained(), head, problem, await self._chain.has_triggers()
        )

    async def _verify(self, head: ChainHead, known: ChainHead | None) -> tuple[int, str | None]:
        """Return how many entries are right, and the first problem. Entries that are added since then are left out."""
        last, first_id = ChainHead(0, ""), None
        known_hash = None if known is None else known.hash
        while last.sequence < head.sequence:
            batch = await self._chain.list_after(last.sequence, ENTRIES_PER_QUERY)
            for entry in batch:
                if entry.sequence != last.sequence + 1:
                    return last.sequence, f"Entry {last.sequence + 1} is missing."
                if entry.hash != entry.expected_hash(last.hash):
                    return last.sequence, f"Entry {entry.sequence} (id {entry.id}) was changed."
                if known is not None and entry.sequence == known.sequence and entry.hash != known_hash:
                    return (
                        last.sequence,
                        f"Entry {entry.sequence} (id {entry.id}) has another hash than before.",
                    )
                first_id = first_id or entry.id
                last = ChainHead(entry.sequence, entry.hash)
                if last.sequence == head.sequence:
                    break
            if not batch:
                return last.sequence, f"Entry {last.sequence + 1} is missing."
        if last.hash != head.hash:
            return last.sequence, f"Entry {last.sequence} is not the one that was written last."
        if known is not None and known.sequence > last.sequence:
            return last.sequence, f"Entry {last.sequence + 1} is missing."
        if first_id is not None and (added := await self._chain.list_unchained(first_id, 1)):
            return last.sequence, f"The entry with the id {added[0]} is not part of the chain."
        return last.sequence, None

"""The page `docs/permissions.md`: the statuses of every route by role, from the table that a test holds to a server."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

PAGE = Path(__file__).parents[2] / "docs" / "permissions.md"
INTRODUCTION = """# Permissions

The status that each route answers, by who sends the request. A test sends every one of these requests to a running
server (`tests/contract/test_routes.py`) and compares this page, which is generated: run `.venv/bin/python -m
tests.contract.permissions` after a change.

The objects in a path belong to the owner, whose account is private. For a public account, requested users, strangers,
moderators and administrators have the statuses of followers.

- **anonymous**: without an access token, on a server with public reads; otherwise 401 in place of 200 and 404 for
  what has 401 for suspended users. Of a public account, anonymous clients see what strangers see
- **owner**: of the post, comment, upload, session or profile
- **follower**: accepted by the owner; **requested**: asked to follow, and not answered yet
- **stranger**: signed in, with no relationship to the owner
- **blocked**: by the owner
- **muted**: a follower muted by the owner, which the follower cannot notice
- **suspended**: a follower whose account a moderator suspended; its tokens are invalid
- **moderator**, **administrator**: without a relationship to the owner

Some requests are refused on purpose, because their success would end the test: a wrong password is 422, a made-up token
401, 404 or 422. These rows show only who gets that far.
"""


class Cells(Protocol):
    """The statuses of one route by role."""

    def cells(self) -> Iterator[tuple[str, int]]: ...


def page(table: Mapping[str, Cells], roles: Sequence[str]) -> str:
    """Return the page; a route is in the order of its path."""
    lines = [f"| Route | {' | '.join(roles)} |", "|---" * (len(roles) + 1) + "|"]
    for name in sorted(table, key=lambda name: (name.partition(" ")[2], name)):
        statuses = dict(table[name].cells())
        lines.append(f"| `{name}` | {' | '.join(str(statuses[role]) for role in roles)} |")
    return INTRODUCTION + "\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    from tests.contract.test_routes import ROLES, TABLE

    PAGE.write_text(page(TABLE, ROLES))

"""Tiers of accounts: who has the limits of new accounts."""

import pytest

from server.clock import SystemClock
from server.gateways.redis.rate_limits import Limit
from server.ids import ActionId, UserId, min_id_at
from server.services.accounts.account_tiers import AccountTiers, TierRules
from server.services.moderation.appeal_queue import Reply
from server.services.moderation.decisions import DAY_MS, Decision, ModerationAction
from server.services.moderation.reports import SubjectType
from server.services.records import Principal
from tests.services.moderation.cases import moderator, reported
from tools.harness.services import ServiceHarness

MANY, FEW = Limit("many", 300, 60), Limit("few", 2, 60)


class HeldClock:
    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


async def established(harness: ServiceHarness, days: float = 2) -> UserId:
    """Insert a user whose account is some days old."""
    user_id = await harness.user()
    old = UserId(min_id_at(harness.clock.now_ms() - round(days * DAY_MS)) + user_id % 4096)
    await harness.database.execute("UPDATE users SET id = ? WHERE id = ?", [old, user_id])
    return old


async def sign_in(harness: ServiceHarness, user_id: UserId) -> Principal:
    pair = await harness.sessions.create(user_id, 0, "a phone", "192.0.2.1")
    return await harness.principal(pair.access_token)


async def statuses(harness: ServiceHarness, token: str) -> list[tuple[str, bool]]:
    """Return the limits that a request counted against, and which of them it exceeded."""
    _, found = await harness.request_authenticator.authenticate(token, [MANY], [FEW])
    return [(each.limit.name, each.wait_s > 0) for each in found]


async def decide(
    harness: ServiceHarness, action: ModerationAction, subject: SubjectType, subject_id: int
) -> ActionId:
    case_id = await reported(harness, await harness.user(), subject, subject_id)
    return (await harness.decisions.resolve(await moderator(harness), case_id, Decision(action, ""))).id


async def test_new_account_has_further_limits(harness: ServiceHarness) -> None:
    new = (await harness.sessions.create(await harness.user(), 0, "", "192.0.2.1")).access_token
    old = (await harness.sessions.create(await established(harness), 0, "", "192.0.2.1")).access_token
    assert [await statuses(harness, new) for _ in range(3)] == [
        [("many", False), ("few", False)],
        [("many", False), ("few", False)],
        [("many", False), ("few", True)],
    ]
    assert [await statuses(harness, old) for _ in range(3)] == [[("many", False)]] * 3


async def test_account_is_new_for_a_day(harness: ServiceHarness) -> None:
    principal = await sign_in(harness, await established(harness, days=0.5))
    clock = HeldClock(SystemClock().now_ms())
    tiers = AccountTiers(clock, harness.action_rows, TierRules())
    assert tiers.is_new(principal)
    clock.at_ms += round(0.49 * DAY_MS)
    assert tiers.is_new(principal)
    clock.at_ms += round(0.02 * DAY_MS)
    assert not tiers.is_new(principal)
    assert not AccountTiers(clock, harness.action_rows, TierRules(new_ms=0)).is_new(principal)


@pytest.mark.parametrize("action", [ModerationAction.WARN, ModerationAction.TAKE_DOWN], ids=str)
async def test_sanctioned_account_counts_as_new_for_a_month(
    harness: ServiceHarness, action: ModerationAction
) -> None:
    ada = await established(harness)
    pair = await harness.sessions.create(ada, 0, "a phone", "192.0.2.1")
    if action is ModerationAction.WARN:
        await decide(harness, action, SubjectType.USER, ada)
    else:
        await decide(harness, action, SubjectType.POST, await harness.post(ada))
    # The access token from before it stays as it is; the next one has the limits.
    assert not harness.tiers.is_new(await harness.principal(pair.access_token))
    pair = await harness.sessions.refresh(pair.refresh_token, "a phone", "192.0.2.1")
    assert await statuses(harness, pair.access_token) == [("many", False), ("few", False)]
    refreshed, signed_in = await harness.principal(pair.access_token), await sign_in(harness, ada)
    assert refreshed.sanctioned_until_ms == signed_in.sanctioned_until_ms

    clock = HeldClock(SystemClock().now_ms() + 29 * DAY_MS)
    later = AccountTiers(clock, harness.action_rows, TierRules())
    assert later.is_new(signed_in)
    clock.at_ms += 2 * DAY_MS
    assert not later.is_new(signed_in)
    assert await later.sanctioned_until_ms(ada) == 0
    never = AccountTiers(harness.clock, harness.action_rows, TierRules(sanction_ms=0))
    assert await never.sanctioned_until_ms(ada) == 0


async def test_dismissed_report_and_withdrawn_warning_do_not_count(harness: ServiceHarness) -> None:
    ada, bob = await established(harness), await established(harness, days=3)
    await decide(harness, ModerationAction.DISMISS, SubjectType.USER, ada)
    assert not harness.tiers.is_new(await sign_in(harness, ada))
    warning_id = await decide(harness, ModerationAction.WARN, SubjectType.USER, bob)
    assert harness.tiers.is_new(await sign_in(harness, bob))
    await harness.appeal_queue.restore(await moderator(harness), warning_id, Reply())
    assert not harness.tiers.is_new(await sign_in(harness, bob))

"""Reports: of what the reporter can see, one per subject until moderators decide."""

import asyncio

import pytest

from server.errors import InvalidInput, NotFound
from server.ids import UserId
from server.services.moderation.reports import Report, ReportReason, SubjectType
from server.services.records import AccountStatus
from tools.harness.services import ServiceHarness

POST, COMMENT, USER = SubjectType.POST, SubjectType.COMMENT, SubjectType.USER


async def report(harness: ServiceHarness, reporter: UserId, subject: SubjectType, subject_id: int) -> Report:
    return await harness.reports.report(reporter, subject, subject_id, ReportReason.SPAM, "Look at this")


async def test_second_report_returns_the_first(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada, "Cheap watches")
    first = await report(harness, bob, POST, post_id)
    second = await harness.reports.report(bob, POST, post_id, ReportReason.HATE, "")
    assert first.created
    assert not second.created
    assert (second.id, second.reason, second.comment) == (first.id, ReportReason.SPAM, "Look at this")
    assert await harness.value("SELECT excerpt FROM report_cases") == "Cheap watches"


async def test_reports_of_one_subject_share_a_case(harness: ServiceHarness) -> None:
    ada, *others = await harness.users(6)
    post_id = await harness.post(ada)
    reports = await asyncio.gather(*(report(harness, other, POST, post_id) for other in others * 2))
    assert sum(each.created for each in reports) == len(others)
    assert await harness.value("SELECT COUNT(*) AS n FROM reports") == len(others)
    assert await harness.value("SELECT COUNT(*) AS n FROM report_cases") == 1


async def test_own_account_and_content_cannot_be_reported(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    comment_id = (await harness.comments.add(bob, post_id, "Buy now", None)).id
    for reporter, subject, subject_id in ((ada, POST, post_id), (bob, COMMENT, comment_id), (ada, USER, ada)):
        with pytest.raises(InvalidInput) as refused:
            await report(harness, reporter, subject, subject_id)
        assert refused.value.code == "own_account"
    assert (await report(harness, ada, COMMENT, comment_id)).created


async def test_what_the_reporter_cannot_see_is_not_found(harness: ServiceHarness) -> None:
    ada, bob, cat = await harness.users(3)
    post_id, other_post = await harness.post(ada), await harness.post(cat)
    in_hidden = (await harness.comments.add(cat, post_id, "Buy now", None)).id
    by_hidden = (await harness.comments.add(ada, other_post, "Buy now", None)).id
    await harness.blocks.block(ada, bob)
    subjects = [
        (POST, post_id),
        (COMMENT, in_hidden),
        (COMMENT, by_hidden),
        (USER, ada),
        (COMMENT, 1),
        (USER, 1),
    ]
    for subject, subject_id in subjects:
        with pytest.raises(NotFound):
            await report(harness, bob, subject, subject_id)
    await harness.set_status(cat, AccountStatus.SUSPENDED)
    with pytest.raises(NotFound):
        await report(harness, bob, USER, cat)
    assert await harness.value("SELECT COUNT(*) AS n FROM report_cases") == 0

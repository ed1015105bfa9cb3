"""The console: from a report to the removal of a post, and a dead letter that is retried."""

import pytest

from tests.chaos.environment import A_DAY_MS, NewJob, insert_jobs
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs.photos import blots
from tests.support.program import Program, config_file
from tests.support.windows import PHONE, Windows
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(240),
]
LINES_OF_NAVIGATION = """
new Set([...document.querySelectorAll('.console-head nav a')].map((link) => link.getBoundingClientRect().top)).size
"""
PATHS = tuple(
    f"/admin/{page}"
    for page in ("queues", "reports", "appeals", "people", "filters", "processes", "storage", "audit")
)


@pytest.fixture
async def program(migrated_stack: Stack, new_program: NewProgram) -> Program:
    """A program that gives up a job quickly, and counts jobs often."""
    changes = {
        "backoff_cap_ms = 600000": "backoff_cap_ms = 50",
        "figures_every_s = 5": "figures_every_s = 0.2",
    }
    impatient = config_file(migrated_stack.var_dir, changes)
    return await new_program("--port=0", config=impatient).start()


async def test_reported_post_is_taken_down(
    windows: Windows, program: Program, register: Register, new_program: NewProgram
) -> None:
    ana, ben, staff = await register(program, "ana", "ben", "mod1")
    assert (await new_program("role", "mod1", "moderator").spawn().end()).code == 0
    post = await ben.publish(blots(), caption="Buy followers here")
    await ana.follow(ben)

    reader = await windows.new()
    await reader.sign_in("ana", ana.password)
    await reader.page.get_by_text("Buy followers here").wait_for()
    await reader.page.get_by_role("button", name="More actions").click()
    await reader.page.get_by_role("button", name="Report").click()
    await reader.page.get_by_label("Spam").check()
    await reader.page.get_by_role("button", name="Report").click()
    await reader.page.get_by_text("A moderator will look at it").wait_for()

    moderator = await windows.new()
    await moderator.sign_in("mod1", staff.password)
    await moderator.open("/admin")
    report = moderator.page.get_by_role("article", name="Report")
    await report.get_by_text("Buy followers here").wait_for()
    await report.get_by_role("button", name="Decide").click()
    await moderator.page.get_by_label("Take it down").check()
    await moderator.page.get_by_label("Message to the author").fill("No spam, please.")
    await moderator.page.locator("dialog").get_by_role("button", name="Decide").click()
    await moderator.page.get_by_text("There are no open reports.").wait_for()
    await moderator.page.get_by_role("link", name="Audit log").click()
    await moderator.page.get_by_role("article").get_by_text("No spam, please.").wait_for()

    await reader.open("/")
    await reader.page.get_by_text("Your feed is empty").wait_for()
    assert (await ana.call("GET", f"/posts/{post['id']}")).status == 404
    author = await windows.new()
    await author.sign_in("ben", ben.password)
    await author.page.get_by_role("link", name="Activity").click()
    await author.page.get_by_text("A moderator has decided about").wait_for()

    (decision,) = (await ben.request("GET", "/moderation/decisions"))["items"]
    await ben.request(
        "POST", "/moderation/appeals", json={"decisionId": decision["id"], "comment": "It was a joke."}
    )
    await moderator.page.get_by_role("link", name="Appeals").click()
    appeal = moderator.page.get_by_role("article", name="Appeal")
    await appeal.get_by_text("It was a joke.").wait_for()
    await appeal.get_by_role("button", name="Decide").click()
    await moderator.page.get_by_label("Reverse it").check()
    await moderator.page.locator("dialog").get_by_role("button", name="Decide").click()
    await moderator.page.get_by_text("There are no open appeals.").wait_for()
    assert (await ana.call("GET", f"/posts/{post['id']}")).status == 200
    assert moderator.problems == author.problems == []


async def test_dead_letter_is_shown_retried_and_discarded(
    windows: Windows, program: Program, register: Register, new_program: NewProgram, stack: Stack
) -> None:
    (staff,) = await register(program, "boss")
    assert (await new_program("role", "boss", "admin").spawn().end()).code == 0
    insert_jobs(stack, [NewJob(1000, "made.up", payload='{"number": 7}', age_ms=A_DAY_MS)])

    window = await windows.new()
    await window.sign_in("boss", staff.password)
    await window.open("/admin/queues")
    row = window.page.get_by_role("row", name="feed")
    await row.get_by_role("link", name="1").click()
    job = window.page.get_by_role("article", name="Job 1000")
    await job.get_by_role("button", name="Details").click()
    dialog = window.page.get_by_role("dialog", name="made.up")
    await dialog.get_by_text('"number": 7').wait_for()
    await dialog.get_by_role("button", name="Close").click()
    await job.get_by_role("button", name="Retry").click()
    await window.page.get_by_text("No dead letters").wait_for()

    async def failed_again() -> bool:
        return bool((await staff.request("GET", "/queues/feed/failed"))["items"])

    await staff.sign_in()
    await wait_until(failed_again)
    await window.page.reload()
    await job.get_by_role("button", name="Discard").click()
    await window.page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    await window.page.get_by_text("No dead letters").wait_for()
    assert window.problems == []


async def test_queue_is_paused_and_resumed(
    windows: Windows, program: Program, register: Register, new_program: NewProgram
) -> None:
    (staff,) = await register(program, "boss")
    assert (await new_program("role", "boss", "admin").spawn().end()).code == 0
    window = await windows.new()
    await window.sign_in("boss", staff.password)
    await window.open("/admin/queues")
    await window.page.get_by_role("button", name="Pause push").click()
    await window.page.get_by_role("button", name="Resume push").click()
    await window.page.get_by_role("button", name="Pause push").wait_for()


async def test_administrator_changes_a_role_and_ends_sessions(
    windows: Windows, program: Program, register: Register, new_program: NewProgram
) -> None:
    ana, boss = await register(program, "ana", "boss")
    assert (await new_program("role", "boss", "admin").spawn().end()).code == 0
    window = await windows.new()
    await window.sign_in("boss", boss.password)
    wrong = await window.check(f"/admin/people?user={ana.id}")
    await window.page.get_by_role("button", name="Change the role").click()
    dialog = window.page.get_by_role("dialog", name="Role of ana")
    await dialog.get_by_label("Moderator").check()
    await dialog.get_by_label("Your password").fill(boss.password)
    await dialog.get_by_role("button", name="Change the role").click()
    await window.page.get_by_text("user -> moderator").wait_for()
    assert (await ana.call("GET", "/moderation/reports")).status == 200
    session = window.page.get_by_role("article", name="Session")
    await session.get_by_role("button", name="End").click()
    await window.page.get_by_text("ana is not signed in.").wait_for()
    await window.page.get_by_role("link", name="People").click()
    staff = window.page.get_by_role("list", name="Staff")
    await staff.get_by_role("link", name="boss Administrator").wait_for()
    await staff.get_by_role("link", name="ana Moderator").wait_for()
    assert (await ana.call("GET", "/moderation/reports")).status == 401
    assert wrong == window.problems == []


async def test_processes_and_storage_are_shown(
    windows: Windows, program: Program, register: Register, new_program: NewProgram
) -> None:
    (boss,) = await register(program, "boss")
    assert (await new_program("role", "boss", "admin").spawn().end()).code == 0
    window = await windows.new()
    await window.sign_in("boss", boss.password)
    await window.open("/admin/processes")
    await window.page.get_by_text("All circuits are closed").wait_for()
    tasks = window.page.get_by_role("region", name="Tasks of processes")
    await tasks.get_by_role("row", name="dispatcher running 0").wait_for()
    await window.page.get_by_role("link", name="Storage").click()
    await window.page.get_by_text("Rows by table").wait_for()
    await window.page.get_by_text("Redis (main)").wait_for()
    assert window.problems == []


async def test_job_is_found_and_its_attempt_started(
    windows: Windows, program: Program, register: Register, new_program: NewProgram, stack: Stack
) -> None:
    (boss,) = await register(program, "boss")
    assert (await new_program("role", "boss", "admin").spawn().end()).code == 0
    insert_jobs(
        stack, [NewJob(1000, "made.up", payload='{"number": 7}', delay_ms=3_600_000, age_ms=A_DAY_MS)]
    )
    window = await windows.new()
    await window.sign_in("boss", boss.password)
    await window.open("/admin/queues")
    await window.page.get_by_role("searchbox", name="Job id").fill("1000")
    await window.page.keyboard.press("Enter")
    dialog = window.page.get_by_role("dialog", name="made.up")
    await dialog.get_by_text('"number": 7').wait_for()
    await dialog.get_by_role("button", name="Close").click()
    assert await window.check("/admin/queues?delayed=feed") == []
    await window.page.get_by_role("article", name="Job 1000").get_by_role("button", name="Start now").click()
    await window.page.get_by_text("No delayed jobs").wait_for()
    await window.open("/admin/queues")
    await window.page.get_by_role("row", name="feed").get_by_role("link", name="1").wait_for()
    await window.page.get_by_role("figure", name="feed, per minute").get_by_text("Values").click()
    await window.page.get_by_role("region", name="feed, per minute: values").wait_for()
    assert window.problems == []


async def test_phone_shows_words_whole_and_scrolls_tables(
    windows: Windows, program: Program, register: Register, new_program: NewProgram
) -> None:
    (boss,) = await register(program, "boss")
    assert (await new_program("role", "boss", "admin").spawn().end()).code == 0
    window = await windows.new(viewport=PHONE)
    await window.sign_in("boss", boss.password)
    for path in PATHS:
        await window.open(path)
        await window.settle()
        assert await window.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert await window.page.evaluate(LINES_OF_NAVIGATION) == 1, path
    await window.open("/admin/queues")
    badge = window.page.get_by_role("row", name="notifications").get_by_text("running")
    assert await badge.evaluate("element => element.getClientRects().length") == 1
    assert await badge.evaluate("element => element.clientHeight < 30")


async def test_users_without_a_role_see_nothing(windows: Windows) -> None:
    window = await windows.new()
    await window.sign_up("ana")
    await window.page.goto(window.url("/admin"))
    await window.page.get_by_text("This page is for staff").wait_for()


async def test_console_is_accessible(
    windows: Windows, program: Program, register: Register, new_program: NewProgram
) -> None:
    (staff,) = await register(program, "boss")
    assert (await new_program("role", "boss", "admin").spawn().end()).code == 0
    window = await windows.new()
    await window.sign_in("boss", staff.password)
    wrong = [found for path in PATHS for found in await window.check(path)]
    assert not wrong, "\n".join(wrong)

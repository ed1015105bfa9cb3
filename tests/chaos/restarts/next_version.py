"""A copy of the program as its next version would be: one migration and one kind of job more."""

import shutil
from pathlib import Path

from server.models.schema.migration_file import list_files
from tools.harness.backends import ROOT

COLUMN = "of_next_version"
MIGRATION = f"""
async def upgrade(db):
    return "ALTER TABLE posts ADD {COLUMN} INT NOT NULL DEFAULT 0;"


async def downgrade(db):
    return "ALTER TABLE posts DROP COLUMN {COLUMN};"
"""
NEW_KIND = "feed.fan_out_again"
CHANGES = {
    "server/services/jobs/event_jobs.py": {
        '    FAN_OUT = "feed.fan_out"\n': f'    FAN_OUT = "feed.fan_out"\n    FAN_OUT_AGAIN = "{NEW_KIND}"\n',
        "PostPublished: (EventJob(Queue.FEED, JobKind.FAN_OUT),)": (
            "PostPublished: (EventJob(Queue.FEED, JobKind.FAN_OUT_AGAIN),)"
        ),
    },
    "server/assembly/actors.py": {
        "        JobKind.RESTORE_POST:": (
            "        JobKind.FAN_OUT_AGAIN: services.fan_out.publish,\n        JobKind.RESTORE_POST:"
        ),
    },
    "pyproject.toml": {'version = "': 'version = "99.'},
}


def make_next_version(folder: Path) -> Path:
    """Copy the program to `folder`, which must not exist, with `CHANGES`. Return its `run.py`."""
    folder.mkdir()
    for name in ("run.py", "config.toml", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    for name in ("server", "migrations"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name, changes in CHANGES.items():
        file = folder / name
        text = file.read_text()
        for old, new in changes.items():
            assert old in text, f"{name} has no {old!r}"
            text = text.replace(old, new, 1)
        file.write_text(text)
    for dialect in ("mysql", "sqlite"):
        migrations = folder / "migrations" / dialect / "models"
        newest = list_files(migrations)[-1].number
        (migrations / f"{newest + 1}_29990101000000_next_version.py").write_text(MIGRATION)
    return folder / "run.py"

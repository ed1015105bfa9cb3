"""`python run.py migrate`: applies pending database migrations, shows or checks them, or undoes some."""

from server import control
from server.errors import ConfigurationError
from server.models.migrations import SchemaStatus
from server.settings import Settings

CHECK_CODES = {
    SchemaStatus.CURRENT: 0,
    SchemaStatus.NEWER: 0,
    SchemaStatus.PENDING: 1,
    SchemaStatus.INCOMPATIBLE: 2,
}


async def migrate(settings: Settings) -> int:
    """Apply pending migrations."""
    async with control.open_schema(settings, create=True) as schema:
        report = await schema.migrations.report()
        if report.status is SchemaStatus.INCOMPATIBLE:
            raise ConfigurationError(report.sentence)
        applied = await schema.migrations.upgrade(lambda version: print(f"applying {version}", flush=True))
        print(f"{len(applied)} migration(s) applied." if applied else report.sentence)
    return 0


async def show_plan(settings: Settings) -> int:
    """Print the statements of pending migrations, and change nothing."""
    async with control.open_schema(settings) as schema:
        plan = await schema.migrations.plan()
        for migration in plan:
            print(f"-- {migration.name}")
            print("".join(f"{statement};\n" for statement in migration.statements))
        print(f"{len(plan)} migration(s) would be applied." if plan else "Nothing would be applied.")
    return 0


async def check_schema(settings: Settings) -> int:
    """Print one sentence about the schema; 0 if this version can run on it, 1 if migrations are pending, else 2."""
    async with control.open_schema(settings) as schema:
        report = await schema.migrations.report()
    print(report.sentence)
    return CHECK_CODES[report.status]


async def undo(settings: Settings, target: str, *, confirmed: bool) -> int:
    """Undo a number of migrations, or those after `target`. Refuses to delete data unless `confirmed`."""
    async with control.open_schema(settings) as schema:
        files = await schema.migrations.reversible(target)
        losses = await schema.find_losses(files)
        if losses and not confirmed:
            raise ConfigurationError(
                f"Undoing {len(files)} migration(s) would delete {', '.join(losses)}: back up, then add --yes."
            )
        undone = await schema.migrations.downgrade(
            files, lambda version: print(f"undoing {version}", flush=True)
        )
    print(f"{len(undone)} migration(s) undone." if undone else "Nothing is to be undone.")
    return 0

"""Table `jobs`: every piece of background work, from its commit to its end. The row is the truth."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model


class JobState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    COMPLETED = "completed"
    DEAD = "dead"


class JobTable(Model):
    """`run_at_ms` and `lease_until_ms` are on the clock of the database; `lease` names the claim that holds the job."""

    id = fields.BigIntField(primary_key=True, generated=False)
    queue = fields.CharField(max_length=32)
    kind = fields.CharField(max_length=64)
    payload = fields.TextField()
    priority = fields.SmallIntField(default=0)
    state = fields.CharField(max_length=12)
    run_at_ms = fields.BigIntField()
    attempts = fields.IntField(default=0)
    crash_count = fields.IntField(default=0)
    lease = fields.CharField(max_length=40, default="")
    lease_until_ms = fields.BigIntField(default=0)
    progress = fields.TextField(null=True)
    history = fields.TextField(null=True)
    created_at_ms = fields.BigIntField()
    finished_at_ms = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "jobs"
        indexes = (
            ("queue", "state", "priority", "run_at_ms"),
            ("state", "lease_until_ms"),
            ("queue", "state", "finished_at_ms"),
        )

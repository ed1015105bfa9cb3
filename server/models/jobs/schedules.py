"""Table `schedules`: when each piece of recurring work is due next."""

from tortoise import fields
from tortoise.models import Model


class ScheduleTable(Model):
    """`next_run_at_ms` is on the clock of the database, and moves in the transaction that inserts the job."""

    name = fields.CharField(max_length=64, primary_key=True)
    next_run_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "schedules"

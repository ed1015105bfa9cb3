"""Table `queues`: what an operator has decided about a queue; a queue without a row runs."""

from tortoise import fields
from tortoise.models import Model


class QueueStateTable(Model):
    """Both times are on the clock of the database."""

    name = fields.CharField(max_length=32, primary_key=True)
    paused_at_ms = fields.BigIntField(null=True)
    changed_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "queues"

"""Table `nodes`: which process makes ids under which node number, and the last time that it used."""

from tortoise import fields
from tortoise.models import Model


class NodeTable(Model):
    """`last_ms` outlives the lease: the next holder of the number starts after it, whatever its clock says."""

    node = fields.SmallIntField(primary_key=True, generated=False)
    owner = fields.CharField(max_length=40)
    lease_until_ms = fields.BigIntField()
    last_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "nodes"

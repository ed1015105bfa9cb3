"""Table `refused_pictures`: hashes of pictures that moderators took down."""

from collections.abc import Sequence

from tortoise import fields
from tortoise.models import Model

from server.ids import ActionId
from server.models.database import Database, placeholders

HASH_BITS = 128
BANDS = 9
BAND_BITS = HASH_BITS // BANDS  # the last band has the 2 remaining bits as well
MAX_DISTANCE = BANDS - 1


class RefusedPictureTable(Model):
    """A row per band of a hash; the index on bands holds all that a lookup needs.

    `action_id` is the entry of the audit log that refuses the picture. The id contains the time.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    action_id = fields.BigIntField()
    band = fields.IntField()
    picture_hash = fields.CharField(max_length=32)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "refused_pictures"
        indexes = (("band", "picture_hash"), ("action_id",))


class RefusedPictureRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, ids: Sequence[int], action_id: ActionId, picture_hash: str) -> None:
        """Insert a hash. `ids`: one per band."""
        rows = zip(ids, _bands(picture_hash), strict=True)
        await self._database.execute(
            "INSERT INTO refused_pictures (id, action_id, band, picture_hash) VALUES "
            + ", ".join(["(?, ?, ?, ?)"] * BANDS),
            [value for row_id, band in rows for value in (row_id, action_id, band, picture_hash)],
        )

    async def has_similar(self, picture_hash: str) -> bool:
        """Return whether a hash differs from this one in at most MAX_DISTANCE bits.

        Such a hash is equal in one band at least, because there are more bands than bits that differ.
        """
        rows = await self._database.rows(
            f"SELECT DISTINCT picture_hash FROM refused_pictures WHERE band IN ({placeholders(BANDS)})",
            _bands(picture_hash),
        )
        return any(_distance(row["picture_hash"], picture_hash) <= MAX_DISTANCE for row in rows)

    async def delete(self, action_id: ActionId) -> None:
        await self._database.execute("DELETE FROM refused_pictures WHERE action_id = ?", [action_id])


def _bands(picture_hash: str) -> list[int]:
    """Return the number and the bits of each band, as one integer."""
    value, width = int(picture_hash, 16), HASH_BITS - BAND_BITS * (BANDS - 1)
    bands: list[int] = []
    for number in range(BANDS):
        rest = value >> (BAND_BITS * number)
        bits = rest if number == BANDS - 1 else rest & ((1 << BAND_BITS) - 1)
        bands.append(number << width | bits)
    return bands


def _distance(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()

"""Settings of a user for comments on the user's posts."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from server.ids import FilterId, UserId
from server.models.content.comment_settings import (
    Commenters,
    CommentSettingsRepository,
    CommentSettingsRow,
)
from server.models.moderation.content_filters import FilterAction, FilterKind, FilterRow
from server.services.content.limits import MAX_HIDDEN_WORDS
from server.services.filters.matcher import Matcher
from server.services.filters.normalization import fold
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

__all__ = ["CommentSettings", "CommentSettingsChanges", "CommentSettingsRow", "Commenters", "has_hidden_word"]

MATCHERS = 512


@dataclass(frozen=True, slots=True)
class CommentSettingsChanges:
    """Changes of the settings; None leaves one unchanged."""

    allowed_from: Commenters | None = None
    hidden_words: Sequence[str] | None = None


class CommentSettings:
    """Settings concern later comments and edits; comments that exist stay as they are."""

    def __init__(self, settings: CommentSettingsRepository, unit_of_work: UnitOfWork) -> None:
        self._settings = settings
        self._unit_of_work = unit_of_work

    async def get(self, user_id: UserId) -> CommentSettingsRow:
        return await self._settings.get(user_id)

    async def update(self, user_id: UserId, changes: CommentSettingsChanges) -> CommentSettingsRow:
        """Apply the changes and return all settings.

        Words that are compared as the same are kept once.
        """
        words = None if changes.hidden_words is None else _distinct(changes.hidden_words)
        await self._unit_of_work.run(partial(self._update, user_id, changes.allowed_from, words))
        return await self._settings.get(user_id)

    async def _update(
        self, user_id: UserId, allowed_from: Commenters | None, words: Sequence[str] | None, _: WorkContext
    ) -> None:
        await self._settings.lock_user(user_id)
        before = await self._settings.get(user_id)
        await self._settings.set(
            user_id,
            before.allowed_from if allowed_from is None else allowed_from,
            before.hidden_words if words is None else words,
        )


def has_hidden_word(words: tuple[str, ...], text: str) -> bool:
    """Return whether a text has one of the words, compared as the filters of moderators are."""
    return bool(words) and _matcher(words).find(text) is not None


@lru_cache(maxsize=MATCHERS)
def _matcher(words: tuple[str, ...]) -> Matcher:
    return Matcher(
        FilterRow(FilterId(number), FilterKind.PHRASE, word, FilterAction.REPORT)
        for number, word in enumerate(words)
    )


def _distinct(words: Sequence[str]) -> list[str]:
    by_form = {fold(word).strip(): word.strip() for word in words}
    return [word for form, word in by_form.items() if form][:MAX_HIDDEN_WORDS]

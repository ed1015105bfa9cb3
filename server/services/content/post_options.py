"""Changes of the options of a post."""

from dataclasses import dataclass

from server.models.content.post_options import DEFAULT_OPTIONS, PostOptions

__all__ = ["DEFAULT_OPTIONS", "NO_CHANGES", "OptionChanges", "PostOptions"]


@dataclass(frozen=True, slots=True)
class OptionChanges:
    """Changes of the options of a post; None leaves one unchanged."""

    comments_enabled: bool | None = None
    like_count_hidden: bool | None = None

    def apply(self, options: PostOptions) -> PostOptions:
        return PostOptions(
            options.comments_enabled if self.comments_enabled is None else self.comments_enabled,
            options.like_count_hidden if self.like_count_hidden is None else self.like_count_hidden,
        )


NO_CHANGES = OptionChanges()

"""Options of a post besides its audience."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PostOptions:
    """Permission to comment, and to see the number of likes for others than the author."""

    comments_enabled: bool = True
    like_count_hidden: bool = False


DEFAULT_OPTIONS = PostOptions()

"""The audience of a post."""

from enum import StrEnum


class Audience(StrEnum):
    """The group that may see a post, of those who may see what its author posts."""

    PUBLIC = "public"
    FOLLOWERS = "followers"
    CLOSE_FRIENDS = "close_friends"

"""Comments, their likes, approvals and removals, for the server and for tests."""

from dataclasses import dataclass

from server.assembly.repositories import Repositories
from server.services.content.cards import Cards
from server.services.content.comment_approvals import CommentApprovals
from server.services.content.comment_counts import CommentCounts
from server.services.content.comment_likes import CommentLikes
from server.services.content.comment_pins import CommentPins
from server.services.content.comment_removals import CommentRemovals
from server.services.content.comment_settings import CommentSettings
from server.services.content.comments import Comments
from server.services.content.mentions import Mentions
from server.services.content.visibility import Visibility
from server.services.filters.text_filters import TextFilters
from server.services.jobs.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class CommentServices:
    """The services of comments."""

    comments: Comments
    likes: CommentLikes
    approvals: CommentApprovals
    pins: CommentPins
    removals: CommentRemovals
    settings: CommentSettings


def build_comments(
    rows: Repositories, unit_of_work: UnitOfWork, cards: Cards, visibility: Visibility, filters: TextFilters
) -> CommentServices:
    counts = CommentCounts(rows.comments, rows.posts)
    approvals = CommentApprovals(rows.comments, rows.comment_settings, counts, unit_of_work, visibility)
    return CommentServices(
        comments=Comments(
            rows.comments,
            rows.comment_cards,
            counts,
            approvals,
            unit_of_work,
            cards,
            visibility,
            Mentions(rows.users),
            filters,
        ),
        likes=CommentLikes(rows.comment_likes, rows.comments, unit_of_work, cards, visibility),
        approvals=approvals,
        pins=CommentPins(rows.comments, unit_of_work, visibility),
        removals=CommentRemovals(rows.comments, rows.posts, counts, unit_of_work),
        settings=CommentSettings(rows.comment_settings, unit_of_work),
    )

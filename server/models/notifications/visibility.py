"""The SQL form of the rule that decides which notifications their recipients may see."""

from server.models.conditions import Column
from server.models.content.visibility import visible_posts
from server.models.people.visibility import unmuted_users, visible_users

RECIPIENT = Column("n.recipient_id")

VISIBLE_ACTOR = visible_users(RECIPIENT, Column("n.actor_id")).sql
UNMUTED_ACTOR = unmuted_users(RECIPIENT, Column("n.actor_id")).sql
VISIBLE_POST = visible_posts(RECIPIENT, "p").sql

# Notifications `n` of activities that exist, by users and about posts that the recipient may see. It holds as soon as
# a cause disappears, before its jobs have run.
SHOWN = (
    f"n.retracted = 0 AND {VISIBLE_ACTOR} AND (n.post_id IS NULL OR EXISTS(SELECT 1 FROM posts p"
    f" WHERE p.id = n.post_id AND {VISIBLE_POST}))"
    " AND (n.comment_id IS NULL OR EXISTS(SELECT 1 FROM comments c"
    " WHERE c.id = n.comment_id AND c.hidden_by_id IS NULL))"
)

"""The SQL form of the rule that decides which notifications their recipients may see."""

from server.models.conditions import Column
from server.models.content.visibility import shown_comments, visible_posts
from server.models.people.visibility import unmuted_users, visible_users

RECIPIENT = Column("n.recipient_id")

VISIBLE_ACTOR = visible_users(RECIPIENT, Column("n.actor_id")).sql
UNMUTED_ACTOR = unmuted_users(RECIPIENT, Column("n.actor_id")).sql
SHOWN_COMMENT = shown_comments(RECIPIENT, "c").sql
VISIBLE_POST = visible_posts(RECIPIENT, "p").sql

# The user that a listed notification `n` names: its actor, or the newest actor of its group that is visible to the
# recipient. NULL if there is none.
SHOWN_ACTOR = (
    f"CASE WHEN {VISIBLE_ACTOR} THEN n.actor_id WHEN n.others_count > 0 THEN (SELECT o.actor_id FROM notifications o"
    " WHERE o.recipient_id = n.recipient_id AND o.type = n.type AND o.target_id = n.target_id AND o.listed = 0"
    f" AND o.in_app = 1 AND o.retracted = 0 AND {visible_users(RECIPIENT, Column('o.actor_id')).sql}"
    " ORDER BY o.sequence DESC LIMIT 1) END"
)
# Notifications `n` of activities that exist and about posts that the recipient may see. It holds as soon as a cause
# disappears, before its jobs have run.
SHOWN = (
    "n.retracted = 0 AND (n.post_id IS NULL OR EXISTS(SELECT 1 FROM posts p"
    f" WHERE p.id = n.post_id AND {VISIBLE_POST}))"
    f" AND (n.comment_id IS NULL OR (SELECT c.hidden_by_id IS NULL AND {SHOWN_COMMENT} FROM comments c"
    " WHERE c.id = n.comment_id))"
)

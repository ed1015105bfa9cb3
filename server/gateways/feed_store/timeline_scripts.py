"""Lua scripts of the cached feeds: what has to be one atomic step in Redis. See `keys` for the data."""

from pathlib import Path

from server.gateways.redis.lua import Script

_SCRIPTS = Path(__file__).parent / "scripts"

READ_FEED = Script.load(_SCRIPTS, "values", "read_feed")
READ_EXPLORE = Script.load(_SCRIPTS, "values", "read_explore")
READ_LISTED = Script.load(_SCRIPTS, "values", "read_listed")
READ_PEOPLE = Script.load(_SCRIPTS, "values", "read_people")
MARK_SEEN = Script.load(_SCRIPTS, "mark_seen")
BEGIN_STRANGERS = Script.load(_SCRIPTS, "begin_strangers")
COMPLETE_STRANGERS = Script.load(_SCRIPTS, "complete_strangers")
ADD_POST = Script.load(_SCRIPTS, "markers", "add_post")
REMOVE_POSTS = Script.load(_SCRIPTS, "remove_posts")
DROP_LISTS = Script.load(_SCRIPTS, "drop_lists")
BEGIN_LIST = Script.load(_SCRIPTS, "markers", "begin_list")
COMPLETE_LIST = Script.load(_SCRIPTS, "markers", "complete_list")
COMPLETE_FOLLOWS = Script.load(_SCRIPTS, "markers", "complete_follows")
BEGIN_LIKES = Script.load(_SCRIPTS, "begin_likes")
COMPLETE_LIKES = Script.load(_SCRIPTS, "complete_likes")
RECORD_LIKE = Script.load(_SCRIPTS, "record_like")
RECORD_REVISIONS = Script.load(_SCRIPTS, "record_revisions")
ADD_AUTHORS = Script.load(_SCRIPTS, "add_authors")
BEGIN_INVALIDATIONS = Script.load(_SCRIPTS, "begin_invalidations")
COMMIT_INVALIDATIONS = Script.load(_SCRIPTS, "commit_invalidations")
EXPIRE_INVALIDATIONS = Script.load(_SCRIPTS, "expire_invalidations")
PUT_CARDS = Script.load(_SCRIPTS, "put_cards")

"""Redis keys of the cached feeds.

- `feed:{user}` and `author:{user}`: lists of post ids. A list is a sorted set with one marker, `building:<run_id>` or
  `built:<run_id>`; the score of the latter is -complete_from_id. A built list has every post from that id up; 0 means
  every post that exists. `run_id` identifies one run of the Redis server: a server that restarts from an old snapshot
  lacks the posts added since, so lists of another run are ignored.
- `tag:{hashtag}`: list of the posts that a followed hashtag counts.
- `tags:{user}`: set of the hashtags that the reader follows, and 0, so that it is never empty.
- `follows:{user}`: set of the reader and the users that the reader follows.
- `relations:{user}`: set of those among them who follow the reader, and, with a minus sign, of those who have the
  reader as a close friend, the reader included. Redis searches sets of numbers faster than sets of other members.
- `strangers:{user}`: hash of user id -> relation of the reader to a user whose posts the feed does not have, as
  `timeline_reads.AuthorRelation`; looked up when such posts are shown, and deleted when a relation changes. Its fields
  `run_id` and `token` guard it.
- `seen:{user}`: set of the posts that the reader has passed in explore.
- `liked:{user}`: hash of post id -> `revision:marks`, with all likes and saves from its field `complete_from_id` up.
  The marks are 1 for a like plus 2 for a save. A like replaces its mark; a save has no revision, so it drops the hash.
- `counts`: hash of post id -> `revision,author,likes,comments,changed`, followed by `,c` for a post for close friends,
  or `revision,x` for a deleted post.
- `people`: hash of user id -> `revision`. In all three hashes the highest revision stays, whatever the order of writes.
- `fan_out_on_read`: set of the authors with fan-out on read.
- `invalidations`: sorted set of the changes in progress, scored by their start.
"""

COUNTS = "counts"
PEOPLE = "people"
FAN_OUT_ON_READ = "fan_out_on_read"
INVALIDATIONS = "invalidations"


def feed_key(user_id: int) -> str:
    return f"feed:{user_id}"


def author_key(user_id: int) -> str:
    return f"author:{user_id}"


def tag_key(hashtag_id: int) -> str:
    return f"tag:{hashtag_id}"


def tags_key(user_id: int) -> str:
    return f"tags:{user_id}"


def follows_key(user_id: int) -> str:
    return f"follows:{user_id}"


def relations_key(user_id: int) -> str:
    return f"relations:{user_id}"


def strangers_key(user_id: int) -> str:
    return f"strangers:{user_id}"


def seen_key(user_id: int) -> str:
    return f"seen:{user_id}"


def liked_key(user_id: int) -> str:
    return f"liked:{user_id}"

"""The timeline of the sample data is chronological and without duplicates."""

from collections import Counter

import pytest

from seeds.photographs import SCENES
from seeds.sample_users import CONVERSATIONS, SAMPLE_USERS
from seeds.timeline import SampleComment, Timeline, build_timeline
from server.services.accounts.usernames import USERNAME_PATTERN
from server.services.content.mentions import hashtags_in, mentions_in
from server.services.records import Role


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    return build_timeline()


def test_sample_users_have_names_roles_and_scenes() -> None:
    roles = Counter(user.role for user in SAMPLE_USERS)
    assert (len(SAMPLE_USERS), roles[Role.ADMIN]) == (40, 1)
    assert roles[Role.CELEBRITY] >= 3
    assert len({user.username for user in SAMPLE_USERS}) == 40
    for user in SAMPLE_USERS:
        assert USERNAME_PATTERN.fullmatch(user.username)
        assert 0 < len(user.bio) <= 500
        assert set(user.scenes) <= set(SCENES)
    assert all(len(lines) == 3 for lines in CONVERSATIONS)


def test_activities_come_after_their_subjects(timeline: Timeline) -> None:
    joined = {registration.user.username: registration.at for registration in timeline.registrations}
    for follow in timeline.follows:
        assert max(joined[follow.follower], joined[follow.followee]) <= follow.at < 1
    for post in timeline.posts:
        assert joined[post.author] < post.at < 1
    for like in timeline.likes:
        assert like.post.at < like.at < 1
    assert timeline.saves
    for save in timeline.saves:
        assert save.post.at < save.at < 1
    for comment in timeline.comments:
        assert (comment.parent or comment.post).at < comment.at < 1


def test_identifying_fields_are_unique(timeline: Timeline) -> None:
    assert len({post.key for post in timeline.posts}) == len(timeline.posts)
    said = {(comment.post.key, comment.author, comment.content) for comment in timeline.comments}
    assert len(said) == len(timeline.comments)
    pairs = {(follow.follower, follow.followee) for follow in timeline.follows}
    assert len(pairs) == len(timeline.follows)


def test_captions_have_hashtags_and_mention_sample_users(timeline: Timeline) -> None:
    names = {user.username for user in SAMPLE_USERS}
    mentioned = [name for post in timeline.posts for name in mentions_in(post.caption)]
    assert all(hashtags_in(post.caption) for post in timeline.posts)
    assert mentioned
    assert set(mentioned) <= names


def test_celebrities_have_followers_and_threads_have_replies(timeline: Timeline) -> None:
    followers = Counter(follow.followee for follow in timeline.follows)
    celebrities = [user.username for user in SAMPLE_USERS if user.role is Role.CELEBRITY]
    assert all(followers[name] > 30 for name in celebrities)
    assert any(
        isinstance(comment.parent, SampleComment) and comment.parent.parent for comment in timeline.comments
    )

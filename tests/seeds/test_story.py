"""The story of the sample place: nothing in it comes before its cause, and nothing is said twice."""

from collections import Counter

import pytest

from seeds.photographs import SCENES
from seeds.sample_users import CAST, CONVERSATIONS
from seeds.timeline import Remark, Story, tell
from server.services.accounts.usernames import USERNAME_PATTERN
from server.services.content.mentions import hashtags_in, mentions_in
from server.services.records import Role


@pytest.fixture(scope="module")
def story() -> Story:
    return tell()


def test_the_cast_is_as_large_and_as_mixed_as_is_promised() -> None:
    roles = Counter(character.role for character in CAST)
    assert (len(CAST), roles[Role.ADMIN]) == (40, 1)
    assert roles[Role.CELEBRITY] >= 3
    assert len({character.username for character in CAST}) == 40
    for character in CAST:
        assert USERNAME_PATTERN.fullmatch(character.username)
        assert 0 < len(character.bio) <= 500
        assert set(character.scenes) <= set(SCENES)
    assert all(len(lines) == 3 for lines in CONVERSATIONS)


def test_everything_comes_after_its_cause(story: Story) -> None:
    joined = {arrival.character.username: arrival.at for arrival in story.arrivals}
    for following in story.followings:
        assert max(joined[following.follower], joined[following.followee]) <= following.at < 1
    for post in story.publications:
        assert joined[post.author] < post.at < 1
    for liking in story.likings:
        assert liking.post.at < liking.at < 1
    for remark in story.remarks:
        assert (remark.answers or remark.post).at < remark.at < 1


def test_what_a_later_run_knows_things_by_is_unique(story: Story) -> None:
    assert len({post.key for post in story.publications}) == len(story.publications)
    said = {(remark.post.key, remark.author, remark.content) for remark in story.remarks}
    assert len(said) == len(story.remarks)
    pairs = {(following.follower, following.followee) for following in story.followings}
    assert len(pairs) == len(story.followings)


def test_captions_have_hashtags_and_some_mention_people_who_exist(story: Story) -> None:
    names = {character.username for character in CAST}
    mentioned = [name for post in story.publications for name in mentions_in(post.caption)]
    assert all(hashtags_in(post.caption) for post in story.publications)
    assert mentioned
    assert set(mentioned) <= names


def test_there_are_conversations_and_crowds(story: Story) -> None:
    followers = Counter(following.followee for following in story.followings)
    celebrities = [character.username for character in CAST if character.role is Role.CELEBRITY]
    assert all(followers[name] > 30 for name in celebrities)
    assert any(isinstance(remark.answers, Remark) and remark.answers.answers for remark in story.remarks)

"""The follow graph of a crowd."""

from collections import Counter
from random import Random

import pytest

from seeds.crowd.graph import STAR, Popularity, star_follower_flags, star_followers


def followers(people: int) -> Counter[int]:
    popularity, rng = Popularity(people), Random(1)
    star = star_follower_flags(range(people), star_followers(people))
    counted = Counter[int]()
    for follower, follows_star in zip(range(people), star, strict=True):
        followees = popularity.followees(follower, rng, star=follows_star)
        assert followees
        assert follower not in followees
        assert len(set(followees)) == len(followees)
        counted.update(followees)
    return counted


@pytest.mark.parametrize(("people", "wanted"), [(10, 5), (999, 499), (12_000, 10_000), (100_000, 12_500)])
def test_star_has_the_wanted_number_of_followers(people: int, wanted: int) -> None:
    assert star_followers(people) == wanted
    assert sum(star_follower_flags(range(people), wanted)) == wanted


def test_few_users_have_most_followers() -> None:
    counted = followers(5_000)
    assert counted[STAR] == 2_500
    by_rank = [counted[number] for number in range(5_000)]
    assert sum(by_rank[:500]) > sum(by_rank[500:]) / 2  # a tenth of the users has a third of the followers
    assert sorted(by_rank)[2_500] < sum(by_rank) / 5_000
    assert 10 < sum(by_rank) / 5_000 < 30

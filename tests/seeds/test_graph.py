"""The follow graph of a crowd."""

from collections import Counter
from random import Random

import pytest

from seeds.crowd.graph import STAR, Attraction, star_followers, star_struck


def followers(people: int) -> Counter[int]:
    attraction, chance = Attraction(people), Random(1)
    star = star_struck(range(people), star_followers(people))
    counted = Counter[int]()
    for follower, follows_star in zip(range(people), star, strict=True):
        followees = attraction.followees(follower, chance, star=follows_star)
        assert followees
        assert follower not in followees
        assert len(set(followees)) == len(followees)
        counted.update(followees)
    return counted


@pytest.mark.parametrize(("people", "wanted"), [(10, 5), (999, 499), (12_000, 10_000), (100_000, 12_500)])
def test_one_person_has_the_crowd_at_their_feet(people: int, wanted: int) -> None:
    assert star_followers(people) == wanted
    assert sum(star_struck(range(people), wanted)) == wanted


def test_most_people_have_few_followers_and_a_few_have_many() -> None:
    counted = followers(5_000)
    assert counted[STAR] == 2_500
    by_rank = [counted[number] for number in range(5_000)]
    assert sum(by_rank[:500]) > sum(by_rank[500:]) / 2  # a tenth of the people, a third of the followers
    assert sorted(by_rank)[2_500] < sum(by_rank) / 5_000
    assert 10 < sum(by_rank) / 5_000 < 30

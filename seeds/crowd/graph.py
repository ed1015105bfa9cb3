"""Follow graph of a crowd: a power law with one star of at least 10,000 followers in a large crowd.

Users are numbers from 0, the most popular first. The module knows neither ids nor the database.
"""

import bisect
import itertools
from collections.abc import Iterator, Sequence
from random import Random

MIN_PEOPLE = 10
STAR = 0
STAR_FOLLOWERS = 10_000
POPULARITY_EXPONENT = 0.7  # the probability of being followed falls with rank ** -0.7
MIN_FOLLOWEES = 7
MAX_FOLLOWEES = 200
PARETO = 1.5  # of the number of followees; the mean is 3 times the minimum
PEOPLE_PER_CELEBRITY = 5_000


def celebrities(people: int) -> int:
    """Return the number of celebrities, who are the first users."""
    return 1 + people // PEOPLE_PER_CELEBRITY


def star_followers(people: int) -> int:
    """Return the star's followers: 10,000 or an eighth of a large crowd, half of a small one."""
    return max(STAR_FOLLOWERS, people // 8) if people > STAR_FOLLOWERS else people // 2


class Popularity:
    """Draws random users, the first ones most often. Takes 8 bytes per user."""

    def __init__(self, people: int) -> None:
        self._people = people
        self._sums = list(itertools.accumulate((rank + 1) ** -POPULARITY_EXPONENT for rank in range(people)))

    def draw(self, rng: Random) -> int:
        return bisect.bisect(self._sums, rng.random() * self._sums[-1], hi=self._people - 1)

    def followees(self, follower: int, rng: Random, *, star: bool) -> list[int]:
        """Return the distinct users that `follower` follows, at least one; includes the star if `star` is set."""
        wanted = min(int(MIN_FOLLOWEES * rng.paretovariate(PARETO)), MAX_FOLLOWEES, self._people // 2)
        chosen = {STAR} if star else set[int]()
        for _ in range(3 * wanted):
            if len(chosen) >= wanted:
                break
            drawn = self.draw(rng)
            if drawn not in (follower, STAR):
                chosen.add(drawn)
        return sorted(chosen or {2 if follower == 1 else 1})


def star_follower_flags(followers: Sequence[int], wanted: int) -> Iterator[bool]:
    """Yield for each of `followers` whether they follow the star, so that `wanted` do, spread evenly."""
    eligible = sum(follower != STAR for follower in followers)
    seen = 0
    for follower in followers:
        if follower == STAR:
            yield False
            continue
        yield (seen + 1) * wanted // eligible > seen * wanted // eligible if wanted < eligible else True
        seen += 1

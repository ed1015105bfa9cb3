"""Who follows whom in a crowd: a power law, in which one person has followers in five figures and most have a few.

Pure: people are numbers from 0, the most followed first. Databases and ids are not known here.
"""

import bisect
import itertools
from collections.abc import Iterator, Sequence
from random import Random

MIN_PEOPLE = 10
STAR = 0
STAR_FOLLOWERS = 10_000
ATTRACTION = 0.7  # the chance to be followed falls with rank ** -0.7
MIN_FOLLOWEES = 7
MAX_FOLLOWEES = 200
PARETO = 1.5  # of the number of people whom one follows; the mean is 3 times the fewest
PEOPLE_PER_CELEBRITY = 5_000


def celebrities(people: int) -> int:
    """How many of the first are celebrities."""
    return 1 + people // PEOPLE_PER_CELEBRITY


def star_followers(people: int) -> int:
    """How many follow the first of all: 10,000 or an eighth of a crowd that is large enough, else half of it."""
    return max(STAR_FOLLOWERS, people // 8) if people > STAR_FOLLOWERS else people // 2


class Attraction:
    """Draws people, the first ones most often. 8 bytes a person."""

    def __init__(self, people: int) -> None:
        self._people = people
        self._sums = list(itertools.accumulate((rank + 1) ** -ATTRACTION for rank in range(people)))

    def draw(self, chance: Random) -> int:
        return bisect.bisect(self._sums, chance.random() * self._sums[-1], hi=self._people - 1)

    def followees(self, follower: int, chance: Random, *, star: bool) -> list[int]:
        """Whom `follower` follows: at least one person, nobody twice, never themselves; the star as is said."""
        wanted = min(int(MIN_FOLLOWEES * chance.paretovariate(PARETO)), MAX_FOLLOWEES, self._people // 2)
        chosen = {STAR} if star else set[int]()
        for _ in range(3 * wanted):
            if len(chosen) >= wanted:
                break
            drawn = self.draw(chance)
            if drawn not in (follower, STAR):
                chosen.add(drawn)
        return sorted(chosen or {2 if follower == 1 else 1})


def star_struck(followers: Sequence[int], wanted: int) -> Iterator[bool]:
    """For each of `followers` whether they follow the star, so that `wanted` of them do, spread evenly."""
    eligible = sum(follower != STAR for follower in followers)
    seen = 0
    for follower in followers:
        if follower == STAR:
            yield False
            continue
        yield (seen + 1) * wanted // eligible > seen * wanted // eligible if wanted < eligible else True
        seen += 1

"""The feed and explore, which share cards and cached relations."""

from dataclasses import dataclass

from server.assembly.repositories import Repositories
from server.clock import Clock
from server.gateways.feed_store.explore_reads import ExploreReads
from server.gateways.feed_store.listed_reads import ListedReads
from server.gateways.feed_store.people_reads import PeopleReads
from server.gateways.feed_store.strangers import StrangerCache
from server.gateways.feed_store.timelines import Timelines
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.metrics import Metrics
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.discovery.kept_suggestions import KeptSuggestions
from server.services.explore.explanations import ExploreExplanations
from server.services.explore.pages import Explore
from server.services.explore.ranking_jobs import UNSETTLED_MS, RankingJobs
from server.services.explore.rankings import ExploreRankings
from server.services.feed.builder import FeedBuilder
from server.services.feed.card_cache import CardCache
from server.services.feed.entry_loader import EntryLoader
from server.services.feed.known_users import KnownUsers
from server.services.feed.listed_pages import ListedPages
from server.services.feed.pages import Feed
from server.services.feed.queries import FeedQueries
from server.services.feed.strangers import Strangers
from server.services.feed.timeline_reader import TimelineReader
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Feeds:
    """Pages of posts by users that a viewer follows, and by others."""

    feed: Feed
    listed: ListedPages
    explore: Explore
    explore_explanations: ExploreExplanations
    rankings: ExploreRankings
    kept_suggestions: KeptSuggestions
    users: KnownUsers


def build_feeds(  # noqa: PLR0913 - collaborators
    rows: Repositories,
    queries: FeedQueries,
    redis: PipelinedRedis,
    timelines: Timelines,
    cards: Cards,
    cache: CardCache,
    visibility: Visibility,
    metrics: Metrics,
    clock: Clock,
) -> Feeds:
    builder = FeedBuilder(queries, timelines, metrics)
    people, stranger_cache = PeopleReads(redis, timelines), StrangerCache(redis)
    strangers = Strangers(rows.strangers, stranger_cache)
    loader = EntryLoader(queries, timelines, cards, cache, strangers, builder)
    rankings = ExploreRankings(rows.explore.rankings, rows.explore.posts, cache.epoch)
    reads = ExploreReads(redis)
    return Feeds(
        Feed(queries, TimelineReader(timelines, builder), loader, cards, cache, metrics),
        ListedPages(ListedReads(redis), cards, loader, cache),
        Explore(rankings, reads, rows.explore.posts, cards, loader),
        ExploreExplanations(rankings, rows.explore.candidates, rows.explore.posts, reads, visibility, clock),
        rankings,
        KeptSuggestions(people, stranger_cache, rows.discovery.suggested_users, cache.epoch),
        KnownUsers(people, stranger_cache, rows.strangers, cards, cache, visibility),
    )


def build_explore_ranking(
    rows: Repositories, unit_of_work: UnitOfWork, jobs: Jobs, clock: Clock, unsettled_ms: int = UNSETTLED_MS
) -> RankingJobs:
    found = rows.explore
    return RankingJobs(found.candidates, found.rankings, unit_of_work, jobs, clock, unsettled_ms)

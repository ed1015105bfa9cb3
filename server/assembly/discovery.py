"""Search and its index, for the server, for commands and for tests."""

from dataclasses import dataclass

from server.assembly.repositories import Repositories
from server.clock import Clock
from server.services.content.cards import Cards
from server.services.content.listed_posts import ListedPosts
from server.services.content.places import Places
from server.services.content.related_users import RelatedUsers
from server.services.content.visibility import Visibility
from server.services.discovery.caption_search import CaptionSearch
from server.services.discovery.hashtag_counts import HashtagCounts
from server.services.discovery.hashtag_follows import HashtagFollows
from server.services.discovery.hashtag_search import HashtagSearch
from server.services.discovery.index_jobs import IndexJobs
from server.services.discovery.kept_suggestions import KeptSuggestions
from server.services.discovery.place_counts import PlaceCounts
from server.services.discovery.place_search import PlaceSearch
from server.services.discovery.recent_searches import RecentSearches
from server.services.discovery.search_check import SearchCheck
from server.services.discovery.search_index import SearchIndex
from server.services.discovery.search_rebuild import SearchRebuild
from server.services.discovery.suggestions import Suggestions
from server.services.discovery.trend_jobs import TrendJobs
from server.services.discovery.trends import Trends
from server.services.discovery.user_search import UserSearch
from server.services.filters.text_filters import TextFilters
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork
from server.services.people.user_lookup import UserLookup


@dataclass(frozen=True, slots=True)
class Discovery:
    """The services that search."""

    users: UserSearch
    hashtags: HashtagSearch
    captions: CaptionSearch
    places: PlaceSearch
    recent: RecentSearches
    index: SearchIndex
    jobs: IndexJobs
    trends: Trends
    trend_jobs: TrendJobs
    suggestions: Suggestions
    hashtag_follows: HashtagFollows


@dataclass(frozen=True, slots=True)
class IndexAdministration:
    """Rebuilds the index of searches and compares it with the database."""

    index: SearchIndex
    rebuild: SearchRebuild
    check: SearchCheck


def build_discovery(  # noqa: PLR0913 - collaborators
    rows: Repositories,
    cards: Cards,
    listed_posts: ListedPosts,
    kept_suggestions: KeptSuggestions,
    known_users: RelatedUsers,
    visibility: Visibility,
    unit_of_work: UnitOfWork,
    jobs: Jobs,
    filters: TextFilters,
    lookup: UserLookup,
    clock: Clock,
) -> Discovery:
    found = rows.discovery
    trends = Trends(rows.explore.rankings, found.hashtags, found.hashtag_uses, filters, clock)
    administration = build_index_administration(rows, unit_of_work)
    index, rebuild = administration.index, administration.rebuild
    return Discovery(
        users=UserSearch(rows.users, rows.discovery.searched_users, rows.discovery.search_terms, known_users),
        hashtags=HashtagSearch(
            rows.discovery.hashtags,
            rows.discovery.hashtag_posts,
            rows.discovery.search_terms,
            listed_posts,
        ),
        captions=CaptionSearch(rows.discovery.searched_captions, cards, visibility),
        places=PlaceSearch(
            rows.places, rows.discovery.search_terms, Places(rows.places, visibility), listed_posts
        ),
        recent=RecentSearches(rows.discovery.recent_searches, unit_of_work),
        index=index,
        jobs=IndexJobs(
            index,
            rebuild,
            rows.discovery.search_subjects,
            rows.discovery.hashtag_posts,
            rows.discovery.place_posts,
            unit_of_work,
            jobs,
        ),
        trends=trends,
        trend_jobs=TrendJobs(found.hashtag_uses, rows.explore.rankings, trends, unit_of_work, jobs, clock),
        hashtag_follows=HashtagFollows(found.hashtag_follows, found.hashtags, unit_of_work),
        suggestions=Suggestions(
            found.suggested_users,
            found.dismissed_suggestions,
            rows.profiles,
            lookup,
            cards,
            visibility,
            unit_of_work,
            kept_suggestions,
        ),
    )


def build_index_administration(rows: Repositories, unit_of_work: UnitOfWork) -> IndexAdministration:
    found = rows.discovery
    counts = HashtagCounts(found.hashtags, found.hashtag_posts)
    index = SearchIndex(
        found.search_subjects,
        found.search_entries,
        found.search_terms,
        found.hashtags,
        counts,
        rows.places,
        PlaceCounts(rows.places, found.place_posts),
    )
    rebuild = SearchRebuild(
        index,
        found.search_subjects,
        found.search_entries,
        found.search_terms,
        found.search_rebuilds,
        unit_of_work,
    )
    check = SearchCheck(
        rebuild,
        found.search_subjects,
        found.search_entries,
        found.search_terms,
        found.hashtags,
        found.hashtag_posts,
        rows.places,
        found.place_posts,
    )
    return IndexAdministration(index, rebuild, check)

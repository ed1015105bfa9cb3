"""Usernames that no user may choose, because others would take their owner for the operator or for a page."""

from server.errors import InvalidInput
from server.services.accounts.usernames import normalize

OPERATOR = (
    "abuse admin administrator administration billing contact copyright dmca feedback help helpdesk info legal mailer"
    " mailerdaemon mod moderator moderation noreply notification official owner postmaster press privacy root"
    " safety security service staff status superuser support sysadmin system team terms trust verified verify webmaster"
)
PAGES = (
    "about account accounts activity api app appeal appeals apps assets auth avatar avatars block blocks blog card"
    " cards collections comments config create deactivate deleted dev developer developers devices discover docs edit"
    " embed everyone explore export exports favicon feed filters follow followers following hashtag hashtags healthz"
    " home index installation invite jobs likes login logout me media metrics mute mutes new notifications null oauth"
    " oembed outbox p passkeys password people photos place places post posts preferences profile profiles queues"
    " readyz register reports restrict restricted robots saved sdk search self session sessions settings share signin"
    " signout signup sitemap static stories stream suggestions tag tagged tags trending trends undefined unknown"
    " unsubscribe upload uploads user username users web wellknown www you"
)
SERVICE = "photofeed"
RESERVED = frozenset(f"{OPERATOR} {PAGES}".split())


def is_reserved(username: str) -> bool:
    """Return whether a name is reserved in some spelling: `Admin_` and `ad.min` look like `admin`.

    So is every name with the name of the service in it, such as `photofeed.billing`.
    """
    key = normalize(username).replace(".", "").replace("_", "")
    return key in RESERVED or SERVICE in key


def check_not_reserved(username: str) -> None:
    """Raise InvalidInput for a reserved name."""
    if is_reserved(username):
        raise InvalidInput(
            "This username is reserved. Choose another one.",
            code="username_reserved",
            fields={"username": ["Reserved."]},
        )

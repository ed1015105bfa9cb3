"""Addresses of the pages that show a public post or profile to everybody."""

from server.ids import PostId


class ShareLinks:
    """`public_url`: the base of all addresses. Without `enabled` there are no pages."""

    def __init__(self, public_url: str, *, enabled: bool) -> None:
        self._public_url = public_url
        self._enabled = enabled

    def post(self, post_id: PostId) -> str | None:
        """Return the address of the page of a public post; None without public reads."""
        return self.post_page(post_id) if self._enabled else None

    def profile(self, username: str, *, is_private: bool) -> str | None:
        """Return the address of the page of a profile; None for a private account, and without public reads."""
        return self.profile_page(username) if self._enabled and not is_private else None

    def post_page(self, post_id: PostId) -> str:
        return f"{self._public_url}/p/{post_id}"

    def profile_page(self, username: str) -> str:
        return f"{self._public_url}/@{username}"

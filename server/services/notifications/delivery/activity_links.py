"""Addresses of the pages that e-mails and pushes about an activity lead to."""

from server.ids import PostId, UserId
from server.services.content.share_links import ShareLinks


class ActivityLinks:
    """The client's pages or, without a client, those that this server has for everybody."""

    def __init__(self, client_url: str, share_links: ShareLinks) -> None:
        """`client_url`: the address of the client, or empty."""
        self._client_url = client_url.rstrip("/")
        self._share_links = share_links

    def post(self, post_id: PostId) -> str:
        return (
            f"{self._client_url}/posts/{post_id}"
            if self._client_url
            else self._share_links.post_page(post_id)
        )

    def profile(self, user_id: UserId, username: str) -> str:
        if self._client_url:
            return f"{self._client_url}/users/{user_id}"
        return self._share_links.profile_page(username)

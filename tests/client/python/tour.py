"""The tour of the client that openapi-python-client generates; mypy checks it together with the client."""

import io
import json
import os
import urllib.request

from photofeed_client import AuthenticatedClient, Client
from photofeed_client.api.auth import login
from photofeed_client.api.feed import read_feed
from photofeed_client.api.likes import like_post
from photofeed_client.api.media import upload_media
from photofeed_client.api.posts import get_post, publish_post
from photofeed_client.models.like_state import LikeState
from photofeed_client.models.login_body import LoginBody
from photofeed_client.models.media_form import MediaForm
from photofeed_client.models.post import Post
from photofeed_client.models.post_page import PostPage
from photofeed_client.models.problem import Problem
from photofeed_client.models.publish_body import PublishBody
from photofeed_client.models.signed_in import SignedIn
from photofeed_client.models.unused_media import UnusedMedia
from photofeed_client.types import UNSET, File

URL = os.environ["SERVER_URL"]


def sign_in() -> AuthenticatedClient:
    body = LoginBody(username=os.environ["USERNAME_OF_TOUR"], password=os.environ["PASSWORD_OF_TOUR"])
    signed_in = login.sync(client=Client(base_url=URL), body=body)
    assert isinstance(signed_in, SignedIn), signed_in
    return AuthenticatedClient(base_url=URL, token=signed_in.access_token)


def publish(client: AuthenticatedClient) -> Post:
    with urllib.request.urlopen(os.environ["PHOTO_URL"], timeout=30) as answer:  # noqa: S310 - of the test
        photo = File(payload=io.BytesIO(answer.read()), file_name="photo.jpg", mime_type="image/jpeg")
    media = upload_media.sync(client=client, body=MediaForm(file=photo))
    assert isinstance(media, UnusedMedia), media
    body = PublishBody(media_ids=[media.id], caption="From a generated client")
    post = publish_post.sync(client=client, body=body)
    assert isinstance(post, Post), post
    return post


def main() -> None:
    client = sign_in()
    post = publish(client)
    liked = like_post.sync(client=client, post_id=post.id)
    assert isinstance(liked, LikeState), liked
    ids: list[str] = []
    cursor: str | None = None
    while True:
        page = read_feed.sync(client=client, limit=2, cursor=UNSET if cursor is None else cursor)
        assert isinstance(page, PostPage), page
        ids += [each.id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    missing = get_post.sync(client=client, post_id="1")
    assert isinstance(missing, Problem), missing
    print(json.dumps({"caption": post.caption, "liked": liked.liked, "ids": ids, "code": missing.code}))  # noqa: T201 - for the test


main()

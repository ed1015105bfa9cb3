"""`/posts/{postId}/comments/{commentId}/pin`: pin and unpin a comment on one's own post."""

from aiohttp import web

from server.handlers.content.comment_paths import comment_path
from server.handlers.http.operations import Rate, Reply, operation
from server.services.content.comment_pins import CommentPins
from server.services.content.limits import MAX_PINNED_COMMENTS


class CommentPinRoutes:
    def __init__(self, pins: CommentPins) -> None:
        self._pins = pins

    def routes(self) -> list[web.RouteDef]:
        path = "/posts/{postId}/comments/{commentId}/pin"
        return [web.post(path, self.pin_comment), web.delete(path, self.unpin_comment)]

    @operation(
        "pinComment",
        "Pin a comment on your own post",
        tag="comments",
        description=(
            f"Up to {MAX_PINNED_COMMENTS} comments can be pinned; the list shows them first, the newest pin at the"
            " top. A pinned comment stays in its place."
        ),
        codes={409: ("too_many_pins", "comment_is_reply", "comment_pending")},
        responds={204: Reply("The comment is pinned")},
        refuses={
            403: "Not your post",
            404: "Post or comment not found",
            409: f"{MAX_PINNED_COMMENTS} comments are pinned, or the comment is a reply or pending",
        },
        rates=(Rate.WRITES,),
    )
    async def pin_comment(self, request: web.Request) -> web.Response:
        await self._pins.pin(*comment_path(request))
        return web.Response(status=204)

    @operation(
        "unpinComment",
        "Unpin a comment on your own post",
        tag="comments",
        description="The comment returns to its place in the list. One that is not pinned stays as it is.",
        responds={204: Reply("The comment is not pinned")},
        refuses={403: "Not your post", 404: "Post or comment not found"},
        rates=(Rate.WRITES,),
    )
    async def unpin_comment(self, request: web.Request) -> web.Response:
        await self._pins.unpin(*comment_path(request))
        return web.Response(status=204)

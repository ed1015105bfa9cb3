"""The ids in paths of comments."""

from aiohttp import web

from server.handlers.http.requests import current_principal, path_id
from server.ids import CommentId, PostId, UserId


def comment_path(request: web.Request) -> tuple[UserId, PostId, CommentId]:
    """Return the user, the post and the comment. Raises NotFound for what is not an id."""
    post_id, comment_id = PostId(path_id(request, "postId")), CommentId(path_id(request, "commentId"))
    return current_principal(request).user_id, post_id, comment_id

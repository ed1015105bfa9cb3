"""`/posts`: publish photographs, read posts."""

from aiohttp import web
from aiohttp_apispec import docs, querystring_schema, response_schema

from server.errors import InvalidInput
from server.handlers import rendering
from server.handlers.requests import QUERY, page_request, path_id, viewer
from server.handlers.schemas import Id, PageQuery, PostSchema, ProblemSchema, page_of
from server.handlers.uploads import Form, Uploads
from server.ids import PostId, UserId
from server.services.posts import Posts, Upload

LONGEST_CAPTION = 2200
LONGEST_ALT_TEXT = 1000


class PostsQuery(PageQuery):
    userId = Id(metadata={"description": "Whose posts; left out: your own."})


class PostRoutes:
    def __init__(self, posts: Posts, uploads: Uploads) -> None:
        self._posts = posts
        self._uploads = uploads

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/posts", self.publish),
            web.get("/posts", self.of_author),
            web.get("/posts/{postId}", self.read),
        ]

    @docs(
        tags=["posts"],
        summary="Publish a post with one or more photographs",
        consumes=["multipart/form-data"],
        parameters=[
            {
                "in": "formData",
                "name": "images",
                "type": "file",
                "required": True,
                "description": "1 to 10 files.",
            },
            {
                "in": "formData",
                "name": "altTexts",
                "type": "string",
                "description": "One for each image, repeated.",
            },
            {"in": "formData", "name": "caption", "type": "string"},
        ],
    )
    @response_schema(PostSchema, 201)
    @response_schema(ProblemSchema, 413, description="A file or an image is too large")
    @response_schema(ProblemSchema, 415, description="A file is no JPEG, PNG or WebP image")
    async def publish(self, request: web.Request) -> web.Response:
        async with self._uploads.read(request, files={"images"}, texts={"altTexts", "caption"}) as form:
            caption = form.text("caption", LONGEST_CAPTION)
            post = await self._posts.publish(viewer(request).user_id, caption, _uploads(form))
        return rendering.json_response(rendering.post(post), 201, {"Location": f"/posts/{post.id}"})

    @docs(tags=["posts"], summary="Get your own posts, or somebody's, newest first")
    @querystring_schema(PostsQuery)
    @response_schema(page_of(PostSchema), 200)
    @response_schema(ProblemSchema, 404, description="No such user")
    async def of_author(self, request: web.Request) -> web.Response:
        viewer_id = viewer(request).user_id
        author_id = UserId(int(request[QUERY].get("userId", viewer_id)))
        page = await self._posts.of_author(viewer_id, author_id, page_request(request))
        return rendering.page_response(request, page, rendering.post)

    @docs(tags=["posts"], summary="Get a post")
    @response_schema(PostSchema, 200)
    @response_schema(ProblemSchema, 404, description="No such post")
    async def read(self, request: web.Request) -> web.Response:
        post = await self._posts.get(viewer(request).user_id, PostId(path_id(request, "postId")))
        return rendering.json_response(rendering.post(post))


def _uploads(form: Form) -> list[Upload]:
    paths = form.files.get("images", [])
    if not paths:
        raise InvalidInput("A post needs a picture.", fields={"images": ["At least one file."]})
    alt_texts = form.all_texts("altTexts", LONGEST_ALT_TEXT)
    if len(alt_texts) > len(paths):
        raise InvalidInput(
            "There are more texts than pictures.", fields={"altTexts": ["At most one for each image."]}
        )
    alt_texts += [""] * (len(paths) - len(alt_texts))
    return [Upload(path, alt_text) for path, alt_text in zip(paths, alt_texts, strict=True)]

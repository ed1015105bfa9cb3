"""`/collections`: named lists of saved posts, private to their owner."""

from functools import partial
from typing import Any

from aiohttp import web
from marshmallow import Schema, fields

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.fields import Count, Id, Name, RequestSchema, Timestamp
from server.handlers.http.idempotency import IdempotentResponder, canonical_json
from server.handlers.http.operations import Rate, Reply, operation, partial_update
from server.handlers.http.requests import BODY, QUERY, current_principal, page_request, path_id
from server.handlers.post_serializer import PostSerializer
from server.handlers.schemas import PageQuery, PostPreviewSchema, PostSchema, page_of
from server.ids import CollectionId, PostId, UserId
from server.services.content.collections import Collections
from server.services.content.limits import MAX_COLLECTION_NAME, MAX_COLLECTION_POSTS, MAX_COLLECTIONS
from server.services.records import Collection

NOT_FOUND = "Collection not found"


class CollectionBody(RequestSchema):
    name = Name(
        minimum=1,
        maximum=MAX_COLLECTION_NAME,
        required=True,
        metadata={"description": "On one line. You have each name once; upper and lower case are the same."},
    )


class CollectionsQuery(PageQuery):
    postId = Id(metadata={"description": "Also show in `hasPost` which collections have this post."})


class CollectionSchema(Schema):
    id = Id(required=True)
    name = fields.String(required=True)
    postsCount = Count(
        required=True, metadata={"description": "Includes posts that you cannot see at present."}
    )
    covers = fields.List(
        fields.Nested(PostPreviewSchema),
        required=True,
    )
    createdAt = Timestamp(required=True)
    hasPost = fields.Boolean(metadata={"description": "Only with `postId`."})


class MembershipSchema(Schema):
    inCollection = fields.Boolean(required=True)


class CollectionRoutes:
    def __init__(
        self, collections: Collections, idempotent: IdempotentResponder, rendered: PostSerializer
    ) -> None:
        self._collections = collections
        self._idempotent = idempotent
        self._rendered = rendered

    def routes(self) -> list[web.RouteDef]:
        posts = "/collections/{collectionId}/posts"
        return [
            web.get("/collections", self.list_collections),
            web.post("/collections", self.create_collection),
            web.get("/collections/{collectionId}", self.get_collection),
            *partial_update("/collections/{collectionId}", self.rename_collection),
            web.delete("/collections/{collectionId}", self.delete_collection),
            web.get(posts, self.list_collection_posts),
            web.post(f"{posts}/{{postId}}", self.add_to_collection),
            web.delete(f"{posts}/{{postId}}", self.remove_from_collection),
        ]

    @operation(
        "listCollections",
        "Get your collections, newest first",
        tag="saved",
        description="Each with its newest posts as covers. Only you see them.",
        query=CollectionsQuery,
        responds={200: page_of(CollectionSchema)},
        rates=(Rate.READS,),
    )
    async def list_collections(self, request: web.Request) -> web.Response:
        owner_id = current_principal(request).user_id
        post_id = PostId(int(request[QUERY]["postId"])) if "postId" in request[QUERY] else None
        page = await self._collections.list_page(owner_id, page_request(request), post_id)
        return serializers.page_response(request, page, partial(self._render, owner_id))

    @operation(
        "createCollection",
        "Create a collection of saved posts",
        tag="saved",
        codes={409: ("collection_exists", "too_many_collections")},
        description=f"Only you see it. You can have {MAX_COLLECTIONS} collections.",
        body=CollectionBody,
        responds={201: Reply(schema=CollectionSchema, headers=("Location",))},
        refuses={
            409: "Another collection has this name, or you have the maximum number, or a request with this"
            " Idempotency-Key is in progress"
        },
        rates=(Rate.WRITES,),
        idempotent=True,
    )
    async def create_collection(self, request: web.Request) -> web.Response:
        owner_id, name = current_principal(request).user_id, request[BODY]["name"]
        return await self._idempotent.respond(
            request,
            canonical_json(request),
            execute=lambda token: self._collections.create(owner_id, name, token),
            reload=lambda collection_id: self._collections.get(owner_id, CollectionId(collection_id)),
            render=partial(self._created, owner_id),
        )

    @operation(
        "getCollection",
        "Get one of your collections",
        tag="saved",
        description="With its newest posts as covers.",
        responds={200: CollectionSchema},
        refuses={404: NOT_FOUND},
        rates=(Rate.READS,),
    )
    async def get_collection(self, request: web.Request) -> web.Response:
        owner_id = current_principal(request).user_id
        found = await self._collections.get(owner_id, _collection_id(request))
        return serializers.json_response(self._render(owner_id, found))

    @operation(
        "renameCollection",
        "Rename one of your collections",
        tag="saved",
        codes={409: ("collection_exists",)},
        description="Its posts stay in it.",
        body=CollectionBody,
        responds={200: CollectionSchema},
        refuses={404: NOT_FOUND, 409: "Another collection has this name"},
        rates=(Rate.WRITES,),
    )
    async def rename_collection(self, request: web.Request) -> web.Response:
        owner_id = current_principal(request).user_id
        renamed = await self._collections.rename(owner_id, _collection_id(request), request[BODY]["name"])
        return serializers.json_response(self._render(owner_id, renamed))

    @operation(
        "deleteCollection",
        "Delete one of your collections",
        tag="saved",
        description="Its posts stay saved.",
        responds={204: Reply("Deleted")},
        refuses={404: NOT_FOUND},
        rates=(Rate.WRITES,),
    )
    async def delete_collection(self, request: web.Request) -> web.Response:
        await self._collections.delete(current_principal(request).user_id, _collection_id(request))
        return web.Response(status=204)

    @operation(
        "listCollectionPosts",
        "Get the posts of one of your collections, those added last first",
        tag="saved",
        description="Posts that you cannot see at present are missing, and return when you can.",
        query=PageQuery,
        responds={200: page_of(PostSchema)},
        refuses={404: NOT_FOUND},
        rates=(Rate.READS,),
    )
    async def list_collection_posts(self, request: web.Request) -> web.Response:
        owner_id = current_principal(request).user_id
        page = await self._collections.list_posts(owner_id, _collection_id(request), page_request(request))
        return serializers.page_response(request, page, self._rendered.for_viewer(owner_id))

    @operation(
        "addToCollection",
        "Add a post to one of your collections, and save it",
        tag="saved",
        codes={409: ("collection_full",)},
        description=f"A collection can have {MAX_COLLECTION_POSTS} posts. A second time changes nothing.",
        responds={200: MembershipSchema},
        refuses={404: "Collection or post not found", 409: "The collection is full"},
        rates=(Rate.WRITES,),
    )
    async def add_to_collection(self, request: web.Request) -> web.Response:
        await self._collections.add_post(*_ids(request))
        return serializers.json_response({"inCollection": True})

    @operation(
        "removeFromCollection",
        "Remove a post from one of your collections",
        tag="saved",
        description="It stays saved. The result is the same if the collection does not have the post.",
        responds={200: MembershipSchema},
        refuses={404: NOT_FOUND},
        rates=(Rate.WRITES,),
    )
    async def remove_from_collection(self, request: web.Request) -> web.Response:
        await self._collections.remove_post(*_ids(request))
        return serializers.json_response({"inCollection": False})

    async def _created(self, owner_id: UserId, record: Collection) -> web.Response:
        location = {"Location": f"/collections/{record.id}"}
        return serializers.json_response(self._render(owner_id, record), 201, location)

    def _render(self, owner_id: UserId, record: Collection) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": str(record.id),
            "name": record.name,
            "postsCount": record.posts_count,
            "covers": [self._rendered.preview(owner_id, cover) for cover in record.covers],
            "createdAt": isoformat(record.created_at_ms),
        }
        return body if record.has_post is None else {**body, "hasPost": record.has_post}


def _collection_id(request: web.Request) -> CollectionId:
    return CollectionId(path_id(request, "collectionId"))


def _ids(request: web.Request) -> tuple[UserId, CollectionId, PostId]:
    owner_id = current_principal(request).user_id
    return owner_id, _collection_id(request), PostId(path_id(request, "postId"))

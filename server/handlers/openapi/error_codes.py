"""The codes of all problems that the API answers, by HTTP status, and their entries in the OpenAPI document.

A test compares the table with the code: an error with another code cannot be raised.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from server.handlers.http.problems import TITLES

# What each code means, for the client's developer. A code that two statuses have is in both.
ERROR_CODES: Mapping[int, Mapping[str, str]] = {
    400: {
        "malformed": "The body, a header or the query cannot be parsed.",
        "malformed_request": "The bytes are not an HTTP request.",
        "duplicate_member": "The body has an object with two members of the same name.",
    },
    401: {
        "unauthenticated": "An access token is required.",
        "invalid_token": "The access token is invalid or has expired. Refresh it, or sign in.",
        "invalid_refresh_token": "The refresh token is invalid, was used before, or its session has ended. Sign in.",
        "wrong_credentials": "The username or the password is wrong.",
        "second_factor_required": "The account has a second factor since the first request. Sign in.",
        "second_factor_failed": "The code is wrong or was used before, or the challenge has expired.",
        "invalid_id_token": "The ID token of the identity provider is invalid, or was used before.",
        "invalid_passkey": "The passkey was not accepted.",
    },
    403: {
        "forbidden": "You may see the resource, but not do this with it.",
        "account_suspended": "The account is suspended.",
        "email_not_verified": "Verify the e-mail address before you publish.",
        "reauthentication_required": "Confirm this with the password, or reauthenticate the session.",
        "media_address_expired": "The signed address of the image has expired. Get its post again.",
        "comments_off": "Comments on the post are turned off.",
        "comments_limited": "Only followers of the author may comment on the post.",
        "own_account": "Another moderator has to handle what is about you.",
        "own_decision": "Another moderator has to handle appeals against your decision.",
    },
    404: {
        "not_found": "The resource does not exist, or you may not see it.",
        "no_such_route": "No operation has this path.",
        "no_such_queue": "No queue has this name.",
        "no_second_factor": "You have no second factor.",
    },
    405: {"method_not_allowed": "The path has no operation with this method; `Allow` lists the methods."},
    408: {"body_timeout": "The body arrived too slowly.", "request_timeout": "The request took too long."},
    409: {
        "conflict": "The request conflicts with the current state.",
        "idempotency_key_in_use": "A request with this Idempotency-Key is in progress. Repeat yours later.",
        "username_taken": "The username is taken.",
        "email_in_use": "Another account uses the e-mail address.",
        "identity_in_use": "Another account uses this identity to sign in.",
        "provider_linked": "Another identity of this provider is linked. Unlink it first.",
        "passkey_in_use": "The passkey is already registered.",
        "too_many_passkeys": "The account has the maximum number of passkeys.",
        "last_sign_in_method": "This is the only way to sign in to the account.",
        "second_factor_enabled": "You already have a second factor.",
        "no_second_factor_setup": "Begin to set up a second factor first.",
        "device_in_use": "Another user gets pushes on this device.",
        "blocked": "You have blocked this user.",
        "comment_pending": "Approve the comment, or the one that it answers, first.",
        "comment_is_reply": "Replies cannot be pinned.",
        "too_many_pins": "The maximum number of comments of the post, or of your posts, is pinned. Unpin one first.",
        "media_processing": "An image is still being processed. Repeat the request after `Retry-After`.",
        "too_many_unused_media": "You have the maximum number of images that no post uses.",
        "too_many_unfinished_bytes": "Your unfinished uploads are too large together.",
        "upload_offset": "`Upload-Offset` is not the number of bytes that have arrived.",
        "already_published": "The post is published, and this can be done with a draft only.",
        "not_published": "The post is a draft, and this can be done with a published post only.",
        "too_many_drafts": "You have the maximum number of drafts and scheduled posts.",
        "too_many_scheduled": "You have the maximum number of scheduled posts.",
        "edited_in_between": "The post was edited after `ifEditedAt`. Get it again.",
        "export_in_progress": "An export is being created.",
        "already_claimed": "Another moderator has claimed this.",
        "already_resolved": "This is already resolved.",
        "already_appealed": "You have already appealed against the decision.",
        "already_withdrawn": "The decision was withdrawn.",
        "appeal_expired": "The time to appeal against the decision is over.",
        "collection_exists": "Another one of your collections has this name.",
        "too_many_collections": "You have the maximum number of collections.",
        "collection_full": "The collection has the maximum number of posts.",
        "last_administrator": "This is the last active administrator.",
        "filter_exists": "There is such a filter already.",
        "too_many_hashtags": "You follow the maximum number of hashtags.",
        "too_many_filters": "There is the maximum number of filters.",
    },
    412: {
        "precondition_failed": "The resource is not in the required version.",
        "tus_version": "`Tus-Resumable` is missing or names another version.",
    },
    413: {
        "too_large": "The body or a file is too large.",
        "image_too_large": "An image has too many pixels.",
    },
    415: {"unsupported_media": "The type of the body, or of a file in it, is not supported."},
    416: {"range_not_satisfiable": "The range begins after the end of the resource."},
    422: {
        "invalid_input": "Some values are invalid; `errors` has messages by field.",
        "unknown_cursor": "This list did not give out the cursor. Start again without it.",
        "idempotency_key_reused": "The Idempotency-Key was used for another request. Choose a new key.",
        "own_account": "This is your own account or content.",
        "web_push_disabled": "This server sends no Web Push.",
        "weak_password": "The password is easy to guess.",
        "wrong_password": "The password is wrong.",
        "wrong_code": "The code is wrong, or was used before.",
        "username_reserved": "The username is reserved.",
        "content_refused": "A text contains words or links that are not allowed.",
        "invalid_verification_token": "The token is unknown, used or expired. Request another e-mail.",
        "invalid_reset_token": "The token is unknown, used or expired. Request another e-mail.",
        "invalid_recovery_token": "The token is unknown, used or expired.",
        "invalid_appeal_token": "The token is incomplete or invalid.",
        "invalid_passkey": "The passkey was not accepted. Request new options.",
        "image_empty": "The file is empty.",
        "image_damaged": "The image is damaged or incomplete.",
        "image_unprocessable": "Decoding the image takes too long or needs too much memory.",
        "picture_refused": "The image is not allowed.",
        "unknown_place": "There is no place with the `placeId`.",
        "untaggable_user": "A user does not exist or cannot be tagged; `errors` has the id.",
        "media_unusable": "Some of the uploaded images cannot be published; `errors` names them.",
    },
    429: {
        "throttled": "Too many requests. Repeat the request after `Retry-After`.",
        "too_many_streams": "Too many streams are open. Close one of them.",
    },
    460: {"checksum_mismatch": "The body does not have the checksum in `Upload-Checksum`."},
    500: {
        "internal_error": "An error of the server. Report it with `X-Request-Id`.",
        "http_error": "Another error of HTTP; `status` says which.",
    },
    503: {
        "unavailable": "The service is temporarily unavailable. Repeat the request after `Retry-After`.",
        "busy": "Too many concurrent changes. Repeat the request.",
        "stopping": "The server is shutting down. Connect again.",
    },
    507: {"storage_full": "There is no space left for uploads."},
}

# Any request of a kind may get these, so that operations do not list them.
GENERAL_CODES: Mapping[int, tuple[str, ...]] = {
    400: ("malformed", "malformed_request", "duplicate_member"),
    401: ("unauthenticated", "invalid_token"),
    403: ("forbidden",),
    404: ("not_found",),
    408: ("body_timeout",),
    412: ("precondition_failed",),
    413: ("too_large",),
    415: ("unsupported_media",),
    416: ("range_not_satisfiable",),
    422: ("invalid_input",),
    429: ("throttled",),
    460: ("checksum_mismatch",),
    503: ("unavailable", "busy"),
    507: ("storage_full",),
}


def all_codes() -> list[str]:
    """Return each code once, in the order of the table."""
    return list(dict.fromkeys(code for codes in ERROR_CODES.values() for code in codes))


def statuses_of(code: str) -> list[int]:
    """Return the statuses that have this code. Raises LookupError for an unknown code."""
    found = [status for status, codes in ERROR_CODES.items() if code in codes]
    if not found:
        raise LookupError(f"the error code {code!r}")
    return found


def problem_examples() -> dict[str, dict[str, Any]]:
    """Return the examples of problems by the names that `example_references` uses."""
    return {
        _name(status, code): {"summary": meaning, "value": _problem(status, code, meaning)}
        for status, codes in ERROR_CODES.items()
        for code, meaning in codes.items()
    }


def example_references(status: int, codes: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the examples of a response: its keys are the codes that the response can have."""
    return {code: {"$ref": f"#/components/examples/{_name(status, code)}"} for code in codes}


def _name(status: int, code: str) -> str:
    return code if statuses_of(code) == [status] else f"{code}_{status}"


def _problem(status: int, code: str, meaning: str) -> dict[str, Any]:
    return {
        "type": "about:blank",
        "title": TITLES.get(status) or HTTPStatus(status).phrase,
        "status": status,
        "detail": meaning.replace("`", ""),
        "instance": "/posts",
        "code": code,
    }

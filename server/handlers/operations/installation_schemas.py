"""Schemas of `/installation`."""

from marshmallow import Schema, fields, validate

from server.handlers.fields import Count, Timestamp


class ProcessPartSchema(Schema):
    """A long-lived task of a process."""

    part = fields.String(required=True, metadata={"description": "The name of the task."})
    state = fields.String(
        required=True,
        validate=validate.OneOf(["starting", "running", "restarting"]),
        metadata={"description": "`restarting` after a crash."},
    )
    restarts = Count(required=True, metadata={"description": "Restarts after a crash."})


class ProcessProblemSchema(Schema):
    """A dependency that a process cannot use at the moment."""

    dependency = fields.String(
        required=True,
        validate=validate.OneOf(["database", "redis", "smtp", "fcm"]),
        metadata={"description": "`smtp` sends e-mails, `fcm` pushes."},
    )
    state = fields.String(
        required=True,
        validate=validate.OneOf(["unavailable", "open", "half_open"]),
        metadata={
            "description": "`open` and `half_open`: of the circuit breaker, which admits one job at a time."
        },
    )
    since = Timestamp(required=True, metadata={"description": "When it began."})
    reason = fields.String(required=True, metadata={"description": "The error that it began with."})


class ProcessDetailsSchema(Schema):
    """Description of a process by itself."""

    role = fields.String(
        required=True,
        validate=validate.OneOf(["api", "worker", "all"]),
        metadata={"description": "Whether it answers requests, runs jobs, or both."},
    )
    host = fields.String(required=True, metadata={"description": "The name of its host."})
    pid = Count(required=True, metadata={"description": "Its process id there."})
    version = fields.String(required=True, metadata={"description": "The version of the program."})
    startedAt = Timestamp(required=True, metadata={"description": "When it was started."})
    parts = fields.List(
        fields.Nested(ProcessPartSchema),
        required=True,
        metadata={"description": "Its long-lived tasks."},
    )
    problems = fields.List(
        fields.Nested(ProcessProblemSchema),
        required=True,
        metadata={"description": "What it cannot use at the moment."},
    )
    feedPagesFromRedis = Count(
        required=True, metadata={"description": "Feed pages since the start whose ids Redis had."}
    )
    feedPagesFromDatabase = Count(
        required=True, metadata={"description": "Feed pages since the start whose ids needed the database."}
    )


class ProcessSchema(Schema):
    """A process that holds a node number."""

    node = Count(required=True, metadata={"description": "The number in the ids that it creates."})
    heartbeatAt = Timestamp(required=True, metadata={"description": "When it renewed its node number."})
    details = fields.Nested(
        ProcessDetailsSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null for a command, and for another version of the program."},
    )


class CacheStateSchema(Schema):
    """The caches on one Redis server."""

    redis = fields.String(
        required=True, metadata={"description": "`main`, or `feeds` if feeds have their own."}
    )
    generation = Count(required=True, metadata={"description": "How often they were begun again."})
    suspendedUntil = Timestamp(
        required=True,
        allow_none=True,
        metadata={"description": "Until then the database is read instead; null if they are used."},
    )


class ProcessListSchema(Schema):
    items = fields.List(fields.Nested(ProcessSchema), required=True)
    caches = fields.List(
        fields.Nested(CacheStateSchema), required=True, metadata={"description": "The caches in Redis."}
    )


class TableSizeSchema(Schema):
    """A table of the database."""

    table = fields.String(required=True, metadata={"description": "Its name."})
    rows = Count(required=True, metadata={"description": "How many rows it has."})
    isEstimate = fields.Boolean(required=True, metadata={"description": "`rows` is an estimate."})
    bytes = Count(
        required=True,
        allow_none=True,
        metadata={"description": "With its indexes; null if the database does not say it."},
    )


class MediaTotalSchema(Schema):
    """The files of one kind in the media store."""

    kind = fields.String(required=True, metadata={"description": "Such as `jpeg`, `avif` or `avatar`."})
    files = Count(required=True, metadata={"description": "How many files there are."})
    bytes = Count(required=True, metadata={"description": "Their bytes together."})
    countedAt = Timestamp(required=True, metadata={"description": "When they were counted."})


class KeyKindSchema(Schema):
    """Keys of Redis that begin with the same word."""

    kind = fields.String(required=True, metadata={"description": "The word before the first colon."})
    keys = Count(required=True, metadata={"description": "How many keys there are."})


class RedisMemorySchema(Schema):
    """Memory and keys of a Redis server."""

    redis = fields.String(
        required=True, metadata={"description": "`main`, or `feeds` if feeds have their own."}
    )
    usedBytes = Count(required=True, metadata={"description": "The memory in use."})
    maxBytes = Count(
        required=True, allow_none=True, metadata={"description": "The limit of the memory; null without one."}
    )
    keys = Count(required=True, metadata={"description": "How many keys there are."})
    hits = Count(required=True, metadata={"description": "Reads since its start that found a key."})
    misses = Count(required=True, metadata={"description": "Reads since its start that found none."})
    evictedKeys = Count(required=True, metadata={"description": "Keys that were removed for lack of memory."})
    clients = Count(required=True, metadata={"description": "Open connections."})
    isEstimate = fields.Boolean(
        required=True, metadata={"description": "`kinds` are estimated from some random keys."}
    )
    kinds = fields.List(
        fields.Nested(KeyKindSchema), required=True, metadata={"description": "The keys by kind."}
    )


class StorageSchema(Schema):
    computedAt = Timestamp(required=True, metadata={"description": "When it was computed."})
    databaseBytes = Count(required=True, metadata={"description": "Bytes of the database."})
    tables = fields.List(
        fields.Nested(TableSizeSchema), required=True, metadata={"description": "The main tables."}
    )
    media = fields.List(
        fields.Nested(MediaTotalSchema),
        required=True,
        metadata={"description": "The media store by kind; empty before it was counted."},
    )
    redis = fields.List(
        fields.Nested(RedisMemorySchema),
        required=True,
        metadata={"description": "The Redis servers that answered."},
    )

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "users" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "username" VARCHAR(30) NOT NULL,
    "username_key" VARCHAR(60) NOT NULL UNIQUE,
    "email" VARCHAR(254) NOT NULL,
    "email_key" VARCHAR(254) NOT NULL UNIQUE,
    "password_hash" VARCHAR(72) NOT NULL,
    "password_changed_at_ms" BIGINT NOT NULL,
    "full_name" VARCHAR(100) NOT NULL,
    "bio" VARCHAR(500) NOT NULL,
    "website" VARCHAR(200) NOT NULL,
    "avatar_key" VARCHAR(120) NOT NULL,
    "role" VARCHAR(16) NOT NULL,
    "posts_count" INT NOT NULL,
    "followers_count" INT NOT NULL,
    "following_count" INT NOT NULL,
    "created_at_ms" BIGINT NOT NULL
) /* `*_key` columns hold the normalised form (NFKC, casefolded) by which names and addresses are unique. */;
CREATE INDEX IF NOT EXISTS "idx_users_avatar__3d365f" ON "users" ("avatar_key");
CREATE TABLE IF NOT EXISTS "sessions" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "refresh_hash" VARCHAR(64) NOT NULL,
    "previous_hash" VARCHAR(64) NOT NULL,
    "rotated_at_ms" BIGINT NOT NULL,
    "user_agent" VARCHAR(200) NOT NULL,
    "address" VARCHAR(45) NOT NULL,
    "created_at_ms" BIGINT NOT NULL,
    "last_used_at_ms" BIGINT NOT NULL,
    "expires_at_ms" BIGINT NOT NULL,
    "revoked_at_ms" BIGINT,
    "user_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
) /* Refresh tokens are kept as SHA-256 of their random `jti`; the previous one is kept for the overlap. */;
CREATE INDEX IF NOT EXISTS "idx_sessions_expires_c99541" ON "sessions" ("expires_at_ms");
CREATE TABLE IF NOT EXISTS "posts" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "caption" TEXT NOT NULL,
    "likes_count" INT NOT NULL,
    "comments_count" INT NOT NULL,
    "edited_at_ms" BIGINT,
    "author_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_posts_author__f3ea3f" ON "posts" ("author_id", "id");
CREATE TABLE IF NOT EXISTS "post_images" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "position" SMALLINT NOT NULL,
    "media_key" VARCHAR(100) NOT NULL,
    "width" INT NOT NULL,
    "height" INT NOT NULL,
    "blurhash" VARCHAR(64) NOT NULL,
    "alt_text" VARCHAR(1000) NOT NULL,
    "variants" TEXT NOT NULL,
    "post_id" BIGINT NOT NULL REFERENCES "posts" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_post_images_post_id_df116e" UNIQUE ("post_id", "position")
) /* `media_key` is the folder of its renditions in the media store. */;
CREATE INDEX IF NOT EXISTS "idx_post_images_media_k_5cf825" ON "post_images" ("media_key");
CREATE TABLE IF NOT EXISTS "comments" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "parent_id" BIGINT,
    "content" TEXT NOT NULL,
    "replies_count" INT NOT NULL,
    "author_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "post_id" BIGINT NOT NULL REFERENCES "posts" ("id") ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS "idx_comments_author__a7f639" ON "comments" ("author_id");
CREATE INDEX IF NOT EXISTS "idx_comments_post_id_623afa" ON "comments" ("post_id", "parent_id", "id");
CREATE TABLE IF NOT EXISTS "likes" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "post_id" BIGINT NOT NULL REFERENCES "posts" ("id") ON DELETE CASCADE,
    "user_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_likes_user_id_31fec2" UNIQUE ("user_id", "post_id")
);
CREATE INDEX IF NOT EXISTS "idx_likes_post_id_ef3e7c" ON "likes" ("post_id", "id");
CREATE TABLE IF NOT EXISTS "follows" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "followee_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "follower_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_follows_followe_7900d3" UNIQUE ("follower_id", "followee_id")
);
CREATE INDEX IF NOT EXISTS "idx_follows_followe_7497cd" ON "follows" ("followee_id", "follower_id");
CREATE INDEX IF NOT EXISTS "idx_follows_followe_1e4087" ON "follows" ("followee_id", "id");
CREATE INDEX IF NOT EXISTS "idx_follows_followe_4f0477" ON "follows" ("follower_id", "id");
CREATE TABLE IF NOT EXISTS "inboxes" (
    "last_sequence" BIGINT NOT NULL,
    "user_id" BIGINT NOT NULL PRIMARY KEY REFERENCES "users" ("id") ON DELETE CASCADE
) /* One row a recipient; its lock puts the notifications of one person into one order. */;
CREATE TABLE IF NOT EXISTS "notifications" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "sequence" BIGINT NOT NULL,
    "type" VARCHAR(16) NOT NULL,
    "target_id" BIGINT NOT NULL,
    "post_id" BIGINT,
    "comment_id" BIGINT,
    "read_at_ms" BIGINT,
    "created_at_ms" BIGINT NOT NULL,
    "actor_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    "recipient_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_notificatio_recipie_540c8a" UNIQUE ("recipient_id", "type", "actor_id", "target_id"),
    CONSTRAINT "uid_notificatio_recipie_3f36c4" UNIQUE ("recipient_id", "sequence")
) /* The unique key makes a repeated act one notification; `target_id` is the post, the comment or the followee. */;
CREATE INDEX IF NOT EXISTS "idx_notificatio_actor_i_f73a90" ON "notifications" ("actor_id");
CREATE TABLE IF NOT EXISTS "jobs" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "queue" VARCHAR(32) NOT NULL,
    "kind" VARCHAR(64) NOT NULL,
    "payload" TEXT NOT NULL,
    "priority" SMALLINT NOT NULL,
    "state" VARCHAR(12) NOT NULL,
    "run_at_ms" BIGINT NOT NULL,
    "attempts" INT NOT NULL,
    "deaths" INT NOT NULL,
    "lease" VARCHAR(40) NOT NULL,
    "lease_until_ms" BIGINT NOT NULL,
    "progress" TEXT,
    "history" TEXT,
    "created_at_ms" BIGINT NOT NULL,
    "finished_at_ms" BIGINT
) /* `run_at_ms` and `lease_until_ms` are on the clock of the database; `lease` names the claim that holds the job. */;
CREATE INDEX IF NOT EXISTS "idx_jobs_queue_1f7efd" ON "jobs" ("queue", "state", "priority", "run_at_ms");
CREATE INDEX IF NOT EXISTS "idx_jobs_state_54ff77" ON "jobs" ("state", "lease_until_ms");
CREATE INDEX IF NOT EXISTS "idx_jobs_queue_1131b5" ON "jobs" ("queue", "state", "finished_at_ms");
CREATE TABLE IF NOT EXISTS "queues" (
    "name" VARCHAR(32) NOT NULL PRIMARY KEY,
    "paused_at_ms" BIGINT,
    "changed_at_ms" BIGINT NOT NULL
) /* Both times are on the clock of the database. */;
CREATE TABLE IF NOT EXISTS "schedules" (
    "name" VARCHAR(64) NOT NULL PRIMARY KEY,
    "next_run_at_ms" BIGINT NOT NULL
) /* `next_run_at_ms` is on the clock of the database, and moves in the transaction that inserts the job. */;
CREATE TABLE IF NOT EXISTS "nodes" (
    "node" SMALLINT NOT NULL PRIMARY KEY,
    "owner" VARCHAR(40) NOT NULL,
    "lease_until_ms" BIGINT NOT NULL,
    "last_ms" BIGINT NOT NULL
) /* `last_ms` outlives the lease: the next holder of the number starts after it, whatever its clock says. */;
CREATE TABLE IF NOT EXISTS "aerich" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    "version" VARCHAR(255) NOT NULL,
    "app" VARCHAR(100) NOT NULL,
    "content" JSON NOT NULL
);"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        """


MODELS_STATE = (
    "eJztXW1z2zYS/isYfUpv1I4jW3Iu+eT4ktat6/Ri301n0o4MkZCEiiRUALKs6eW/HwC+Ey"
    "RN0hJNsfhiiwCWBJ9d7i528fLXwCU2cth3/2GIDt6CvwYedJH4kSofggFcr+NSWcDhzFEN"
    "N6KFKoEzxim0uCicQ4chUWQjZlG85ph4sun9P6YrtLsHFnE2rsfAkjg24EsEPEJd6GCGbD"
    "AXP8Grm48/XQ6BBRmaizbI/gbMdmC7xNYSyA4yAD0bQNumiDF5RRHYePjPDfpO9sQmlugK"
    "9hZtPtT/OeVkgcTdJZhffhfF2LPRI2Ly8ssAPkAOqezP4HdZuV5N5xg5dgp5bMvbqfIp36"
    "1V2Xu8uPL4R9VWvuBs6r9O3H6940viRQTY47J0gTxEIUd2ginexnEC5oVFft9FAacbFHXa"
    "jgtsNIcbR7JWUvs9iMsG0+nNp7vp7Ye76XSgsT2kSDAlKLKIJ0VG9JUpBBayC9/+czQ6PT"
    "0fnZxO3ozPzs/Hb07eiLaqv3rV+Ve/MzFc/q0UaFffX93cyQ4RIZe+tMqCr4pGcMKnUryJ"
    "4ZfyrH5rTLhcQprPgiRNhhHiBZswIiyIORF/U22wwoWPUwd5C74Ul6cnJSj/9+Lz5Q8Xn1"
    "+dnnyThvomqBmpKgm6DrL6FBoAHdLtB+yXlfoU1JMqUE+KoZ5oUCMXYqcOxhFBDyV5ND6r"
    "gK9oVQiwqstBuK4kp4h6J8YHwXkNGdsSak+XkC3rYK0R9lCyz0cVAD8fFeItqwrgtpbQWy"
    "B7CvnUZfV8k+J77MdfeWkWtOixxIyZi75M67ooKaL25H8waEX6X59UsZuiVaH8q7o0zjNM"
    "6iAcNO8dtuNK2I5LsB3r2G7RjGFeS4ITJL3DeFQJ41EJxiMd48RoswbMaareIf16VElTjE"
    "o0xUhDmhKnliiH7VtEdxMEclpAeFIF4EkxvhPNEyGMMwHfxncS0igX+x5pqvYcjpPDehuj"
    "12fnZ29OJ2eRkxGVlPkWOX4EcRyyRbQ+tDmUBt58eMUTG8KbojTwZuG1KJJv3mRUopGawU"
    "itwYgMXc9XieipLJhBa7WFYqin1ZARKWqrV7kjN1sCPbhQcMr3lh0OchO3iDEfIy1tEVYN"
    "yzIXzG9UMXnxGc0pYkvAyQp5fvR/hdYcQAZuf7j4djSeADKXiQVMAYWeTVxw/wfH9+9Usm"
    "FN0QMmGwaIhwBmPumcUFVJHhB14FrPXbT0zKdTFyZZ0c1kBfUFpHZELEvXw4DYpEoEclIc"
    "gJzo8cfge6off8wS9m5UtX+wKeFNzbtG2hvnqeVAoxwzToXtzXNey3N0MVXvRP0woRp/Vk"
    "GtOE1M0juMz8YVID4bFyIsq8xooYMaxYGMT4WCaMSIHGLDisasQI9rLBRIE0ZopIdiQ18d"
    "+qQD/yDGds3cnCxpIy4EEP+9vwXlstQdyiaIjBp6XvwozQmdDR8JRXjh/YR2ihVXot/Qs/"
    "JSKJlpq0fGgq+hjIWl8QdK4TYKvyRFT7y7eGPEfW/x4vby4l8fBl9fJiD3C2F8kBONU+XD"
    "slCcytVUisMVY1lpAu5GSEsInfhrZuF2NLBlQb/jGg/u0GORnx6T9CKcVYLp3YdfFaIuY3"
    "86g8TQ59XPF7+qUZG7C2quP918HzZPDJUurz+9z/rmeIXqpwIzVL0JtewvT0VcF3kN8tc6"
    "oQFXG8TYuOGoPktpnOemznPKplZnQIrMOND7cqB9WI0L/ZQLnRK/rjnRVy5UspTrSfuVT7"
    "rTUyzbVV2Z5wp9CP2FcpipBLFaA0dlfhlzBijyhMKU2XKAPVWvKADjQq5yFt09/3457vyX"
    "4MV8lUGYuoHvw6e8/Ojhxr/vqn8fcU9jwq0LHadsUh8u8PKP2micjs4nEQPkRRnktz9fXF"
    "/rhjgWew3U4jRSiqgX46YWVgZssc1zZgAUSm3Uvk8iuzcnfikck2WdkVFMYPDMwXPmbGjd"
    "KSpJmh5qgf3PT4EOn3L0WGtmRJKmdzl7oSYratpSVavp2gdIMfR4zvC+OBSYpOmFNLcdC0"
    "z42dVd5KRz3iO9/LLj+XWQO3nmaD5MwRwZC6qO5hOi16Wx/KUfwh3kjOTDqmHZOD4MAbeQ"
    "GUt+vFCMzrlJknVCNQzLBtFJRtXQ00kyE/duGvcWneC5U2NLUpQxiXFLGrglFK0d3CBJqd"
    "GZTNoxZXH6qtmNv2387W6xYG/+tq5aOpWSbFOjHH1G8hqv0CBnCKPKh2XjFzU5aP+Dly+p"
    "ubeBKOppwISQmlHMS9u60lSgsX1m3vvfAHoz7/3Q896zPrXx5I40cvpRbYGT53UENaV+h7"
    "+BzkE8j3Dro1Bt+pco3wNJ1saNFa1oq9Vnis06hW6o7TLnJcvhynzIEBpL2tiJyX6RdVlg"
    "nJl9OzMhsMahecr6ZkTwaacmVBsG2orQog46N1fejDzm+TZ+Ralrg2WTqtO6P3kIULIFEF"
    "Bk4TVGHn+npl87xFqB9Yaz4CQUjufYgv58bDJXG4atEWXEAwJgoq4JtRHVZ3of5hHP2JGs"
    "G2Na4xr523UwJPAI1FB1dmikvcnXdX13xqciEuJzvyPiz4FtzIt+PodZhf8si3GTUJ95hi"
    "NVX2o/Uoq4mhW5W4YHXYEV2gEXruTpV0Lfr9XGSEAQK/WdvPU7cM8hFdpbABQtAZKxhqH6"
    "FUxsAsFmlKGt1s1Li8/+zfvNk4+zoGCseNIOzBDwuWqLn3PhXwHo7WbE3gnjRlZsCBhR91"
    "UHg4W3lZt0rh0hNoKH7kxYOCAMWMmSpshsBqKkviDJF4tH2aDodfz4QJYk0pTZCISJGnTT"
    "NDazii9jEHvCjBj88AOrOms/bN+LGVuH3qo/1lS1RDtFZmT7uOYRmdmgb6Op2rXBT9MZ/J"
    "viTxFsuIseNLuA7EP+zQarXWBDctRQYxZvgspM4m2ugtLDsjpKKE1pPoB9paIiZE3C5Klw"
    "VlYIK0zslWqjU8B2MUyYVK5dykL9SGaDnFCiLB6WRRD/ILOquwrRjedb9XsVIrt3EGRouv"
    "E4dvxCigDxt/+xVL7IP80GyMDJTDR9F5DcA9lJFjSE2BW/IAdLIt5TFYo+5WxC1Prjqyy0"
    "FA026ltg8pQK9VFQTCjmageWqMt+pC9qk+66X6nfaY49zJaRK2VmDXU0/hdxrmoMKiLoYR"
    "DqtMrJ1afFJ1efaidXr8R71UE3bN9DcA9wChLcOQTm4Fu87DVB0guIW9+NI2Eg0pg/sVla"
    "gq43GfR97JSWMJjVNERsq/sgv9kTkaskAYr172tN/8ZOTC0nI0VmhsDNY0CcI3edt2NScQ"
    "AoQdIbTbG3tfE2gnxZB86YwICpHQElRzJ1dG9E0Lst086qbJh2Vrxd2pm2WVpmmFhL/eq0"
    "vRHetrOwlCzyj/Mr8ZETNI0EvWNZqLZ95CWWW0fnuMjFkCdIDOL1ETcZv04om0zMrxYfdF"
    "qTAG9tqvX+Ivn/ltHB2y3m1nKQE9FPVg/LIvsqylgxtv+e8CXgWIbFnwqj65H5usTPWA6i"
    "/tfwNsP2+3E2XzbWfZAwa9l2hE1Pds1SGi3UeBrOEnqLhkY5S2qM8jEag1tLGPSN6phmCa"
    "K6UjPAglZVs7ye8LCniVwrZqUafaiSsS55QNHZL+IJHhMPwYoOclHOEOVlud2WHmosT3dy"
    "UMWWJy0M9dSeTmv03jHqvRvxL0/nqfJSfeeJoqq6Tq1MlfqGbLiDH4JJISp09tZf6CzESc"
    "0M8c+6UkVqHRhgHErtAudcXGA+BFuhdNCDumCB1mJwx3KUXVtPfY62C2Cuk58Mafozr6R5"
    "crJYuZGtl7cSt9iQRAQ9TFaakHmvbEeKEb6Sq8mBmMhAf4xm+wJRnB+2CmpKTTeM2xzyeI"
    "xa8yifPYkysFtdt3XPzAgXGzzhnLDcoyGLTV6CpIdGbzQeV7B6olWh2VN1mVki4qOqgXDQ"
    "vIfoHuSEyMLDQX68/XRTEH8rPBzExhYH/wMOPuadSPPAlWCU5yWzKcihv1xZpsrDG7x/aW"
    "P29f+bxTPr"
)

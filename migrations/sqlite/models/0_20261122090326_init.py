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
CREATE INDEX IF NOT EXISTS "idx_jobs_state_7f2953" ON "jobs" ("state", "run_at_ms");
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
    "eJztXW1z2zYS/isYfUpv1I4jW3Iu+eT4ktat6/Ri301n0g4NkZCIiiRUALKs6eW/HwC+v5"
    "qkJZpi8cUWASwJPrvcXezi5a+RSyzksO/+wxAdvQV/jTzoIvEjVT4GI7hex6WygMO5oxpu"
    "RAtVAueMU2hyUbiADkOiyELMpHjNMfFk0/t/GCu0uwcmcTaux4BNHAtwGwGPUBc6mCELLM"
    "RP8Orm40+XY2BChhaiDbK+AfMd2NrYtIHsIAPQswC0LIoYk1cUgY2H/9yg72RPLGKKrmBv"
    "2eVD/Z8GJ0sk7i7B/PK7KMaehR4Rk5dfRvABckhlf0a/y8r1ylhg5Fgp5LElb6fKDb5bq7"
    "L3eHnl8Y+qrXzBueG/Ttx+veM28SIC7HFZukQeopAjK8EUb+M4AfPCIr/vooDTDYo6bcUF"
    "FlrAjSNZK6n9HsRlI8O4+XRn3H64M4xRju0hRYIpQZFJPCkyoq9MIbCUXfj2n5PJ6en55O"
    "R09mZ6dn4+fXPyRrRV/c1XnX/1OxPD5d9KgXb1/dXNnewQEXLpS6ss+KpoBCd8KsWbGH4p"
    "z+p3jgmXNqTFLEjSZBghXrANI8KCmBPxN9UFK1z4aDjIW3JbXJ6eVKD834vPlz9cfH51ev"
    "JNGuqboGaiqiToeZDVp9AC6JBuP2C/rNSnoJ7VgXpWDvUsBzVyIXaaYBwRDFCSJ9OzGviK"
    "VqUAq7oChJtKcopocGJ8EJzXkLEtoZZhQ2Y3wTpHOEDJPp/UAPx8Uoq3rCqB27Sht0SWAb"
    "nhsma+Sfk99uOvvDQLOvRYYsYsRF+Mpi5Kiqg7+R+NOpH+1yd17KZoVSr/qi6N8xyTJggH"
    "zQeH7bQWttMKbKd5bLdozjBvJMEJksFhPKmF8aQC40ke48RoswHMaarBIf16UktTTCo0xS"
    "SHNCVOI1EO23eI7iYI5HSA8KwOwLNyfGc5T4QwzgR8G99JSKNc7nukqbpzOE4O621MXp+d"
    "n705nZ1FTkZUUuVbFPgRxHHIFtHm0BZQaniL4RVPbAlvilLDm4XXpEi+eZtRSY5UD0YaDU"
    "Zk6HqxSkRPZcEcmqstFEO9XA2ZkLK2+Sp34mZLoAeXCk753rLDQW7iFjHmY5RLW4RV46rM"
    "BfMb1UxefEYLipgNOFkhz4/+r9CaA8jA7Q8X306mM0AWMrGAKaDQs4gL7v/g+P6dSjasKX"
    "rAZMMA8RDAzCddEKoqyQOiDlzncxcdPfPp1IVOVvQzWUF9AWkcEcvSDTAgNqsTgZyVByBn"
    "+fhj8D01jz9mCQc3qto/2JTwtuY9RzoY56njQKMcMxrC9hY5r9U5uphqcKJ+mFCNP6ugUZ"
    "wmJhkcxmfTGhCfTUsRllV6tNBDjeJAxg2hIFoxooBYs6I1K9DjGgsF0oYROdJDsWGoDn3S"
    "gX8QY7t2bk6WtBUXAoj/3t+CclmaDmUTRFoNPS9+lOZEng0fCUV46f2EdooVV6Lf0DOLUi"
    "iZaatHxoKvoYyFpfEHSuE2Cr8kRU+8u3hjxH1v8eL28uJfH0ZfXyYg9wthfFQQjVPl46pQ"
    "nMrV1IrDlWNZawLuRkhLCJ34q2fh9jSwZUK/4zke3KHHMj89JhlEOKsC07sPvypEXcb+dE"
    "aJoc+rny9+VaMidxfUXH+6+T5snhgqXV5/ep/1zfEKNU8FZqgGE2rZX56KuC7yWuSv84Qa"
    "3NwgxsItR/VZSu08t3WeUza1PgNSZNqB3pcD7cOqXeinXOiU+PXNib5yoZKlQk/ar3zSnT"
    "awbFd3ZZ4r9CH0F8phphLEag0clfllzBmgyBMKU2bLAfZUvaIAjAu5Klh09/z7FbjzX4IX"
    "81UGYeoGvg+f8vKjh2v/vq/+fcS9HBNuXeg4VZP6cImXf9RG43RyPosYIC+qIL/9+eL6Om"
    "+IY7HPgVqeRkoRDWLc1MHKgC22eMEMgFKpjdoPSWT35sTbwjGxm4yMYgKNZwGec2dDm05R"
    "SdIMUAvsf34KdLjB0WOjmRFJmsHl7IWarKlpK1VtTtc+QIqhxwuG9+WhwCTNIKS561hgws"
    "+u7yInnfMB6eWXHc+vg9zJM0fzYQrmyFhQdzSfEL0+jeUv/RDuqGAkH1aNq8bxYQi4g8xY"
    "8uOFYnTOdZKsF6phXDWITjKqgZ5Okum4d9u4t+gEL5waW5GijEm0W9LCLaFo7eAWScocnc"
    "6kHVMWZ6iaXfvb2t/uFwv25m/nVUuvUpJdapSjz0he4xUaFQxhVPm4avyiJgftf/DyJTX3"
    "NhDFfBowIaR6FPPStq4yFahtn573/jeAXs97P/S896xPrT25I42cflRb4BR5HUFNpd/hb6"
    "BzEM8j3PooVJv+JSr2QJK1cWNFK9rm6jPFep1CP9R2lfOS5XBtPmQItSVt7cRkv8imLNDO"
    "zL6dmRBY7dA8ZX0zIvi0UxOqDQ1tTWhRD52bK29OHot8G7+i0rXBskndad2fPAQo2QIIKD"
    "LxGiOPv1PTrx1irsB6w1lwEgrHC2xCfz42WagNw9aIMuIBATBR14RaiOZneh/mEc/Ykawf"
    "Y1rtGvnbdTAk8AjUUH125EgHk6/r++6MT0UkxOd+R8SfA9uYF/18DrMK/1kW4yahPosMR6"
    "q+0n6kFHE9K3JnhwddgRXaAReu5OlXQt+v1cZIQBAr9Z289TtwzyEV2lsAFC0BkrGGsfoV"
    "TGwCwWaUoa3Om5cOn/2b95snH2dCwVjxpB2YI+Bz1RI/F8K/AtDbzYm1E8aNrNgYMKLuqw"
    "4GC28rN+lcO0JsBA/dubBwQBiwiiVNkdkMREl9QZIvJo+yQdHr+PGBLEmkKbMRCB016Kdp"
    "bGcVX8YgDoQZMfjhB1Z31n7YfhAztg69VX+sqRqJdopMy/ZxzSPSs0HfRlO1G4OfptP4t8"
    "WfIthyFz2odwHZh/zrDVb7wIbkqKHBLN4ElZ7E214FpYdlTZRQmlJ/APtKRUXI6oTJU+Gs"
    "rBDWmNgr1UavgO1jmDCpXPuUhfqRzEcFoURZPK6KIP5B5nV3FaIbz7fq9ypEdu8gyJCx8T"
    "h2/EKKAPG3/zFVvsg/zQbIwMlcNH0XkNwD2UkWNITYFb8gBzYR76kKRZ8KNiHq/PF1Floy"
    "eTiFbBz1zg/qReXpXvqV4q4bVRm1WmAPMzvymvQEoZ6G+iLO1Q03RQQDjDed1jmk+rT8kO"
    "rT3CHVK/FeTdAN2w8Q3AMceAR3DoEF+JavcE2QDALizjfeoJhQzAu28HpiX7QE3WCS5fvY"
    "FC1hMOtpiIhgEPKbPfy4Try/XP++zunf2Ilp5GSkyPRot324h3Pkros2RyqP9SRIBqMp9r"
    "YM3kKQ203gjAk0mLnTnuRIponujQgGtzvaWZ290c7Kd0Y7y+2LlhkmNlK/edrBCG/XCVdK"
    "lsUn91X4yAmaVoLes4RT1z6yjeUu0QUucjnkCRKNeHPEdXKvF8omE/NrxIc8rc51dzaren"
    "9B+3/L6ODtFnPTHhUE75PV46ogvooy1gzjvyfcBhzLCPhTEfN8EL4p8TNWfqj/DbzNsP1+"
    "nM2XjXUfJMxatfNg20Ncs5RaC7WecWNDb9nSKGdJtVE+RmNwawqDvlEdy1mCqK7SDLCgVd"
    "2Eric8bCORVsWsUqOPVd7VJQ8oOuZFPMFj4iFY0UEuyhmivCqN29FDteXpTw6q3PKkhaGZ"
    "2svTar13jHrvRvwr0nmqvFLfeaKorq5Ti1ClviEb7uCHYP6HCp299dc0C3FSk0D8Y61UkV"
    "ryBRiHUrvABRcXmI/BVigd9KAuWKC1GNyxAmXX1VOfo+0CmJvkJ0Oa4cwraZ+cLFduZOsV"
    "LbotNyQRwQCTlTpkPijbkWKEr+QaciAm0tAfo9m+QBQXh62CmkrTDeM2hzwJo9E8ymdPog"
    "zsVt9t3TMzwuUGTzgnrPAUyHKTlyAZoNGbTKc1rJ5oVWr2VF1mloj4qBogHDQfILoHOQyy"
    "9ByQH28/3ZTE30rPAbGwycH/gIOPedPRInAlGNV5yWwKcuyvTJap8vAG71/amH39P21QLS"
    "Q="
)

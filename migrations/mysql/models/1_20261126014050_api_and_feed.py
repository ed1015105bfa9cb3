from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS `idempotency_keys` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `key_hash` VARCHAR(64) NOT NULL UNIQUE,
    `fingerprint` VARCHAR(64) NOT NULL,
    `result_id` BIGINT NOT NULL,
    `answer` LONGTEXT,
    `created_at_ms` BIGINT NOT NULL,
    KEY `idx_idempotency_created_477161` (`created_at_ms`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='Inserted in the transaction of the effect, so that one is never there without the other.';
        CREATE TABLE IF NOT EXISTS `password_resets` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `token_hash` VARCHAR(64) NOT NULL UNIQUE,
    `expires_at_ms` BIGINT NOT NULL,
    `created_at_ms` BIGINT NOT NULL,
    `user_id` BIGINT NOT NULL,
    CONSTRAINT `fk_password_users_8e31dd81` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_password_re_expires_fca9ee` (`expires_at_ms`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='Deleted when it is used, with all others of the same user.';
        ALTER TABLE `users` ADD `pulled` SMALLINT NOT NULL DEFAULT 0;
        ALTER TABLE `users` ADD `revision` INT NOT NULL DEFAULT 0;
        ALTER TABLE `posts` ADD `revision` INT NOT NULL DEFAULT 0;
        ALTER TABLE `posts` ADD `deleted_at_ms` BIGINT;
        ALTER TABLE `users` ADD INDEX `idx_users_pulled_d9067b` (`pulled`, `id`);
        ALTER TABLE `sessions` ADD INDEX `idx_sessions_user_id_a4803b` (`user_id`, `id`);
        ALTER TABLE `sessions` ADD INDEX `idx_sessions_revoked_130017` (`revoked_at_ms`);"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE `sessions` DROP INDEX `idx_sessions_revoked_130017`;
        ALTER TABLE `sessions` DROP INDEX `idx_sessions_user_id_a4803b`;
        ALTER TABLE `users` DROP INDEX `idx_users_pulled_d9067b`;
        ALTER TABLE `users` DROP COLUMN `pulled`;
        ALTER TABLE `users` DROP COLUMN `revision`;
        ALTER TABLE `posts` DROP COLUMN `revision`;
        ALTER TABLE `posts` DROP COLUMN `deleted_at_ms`;
        DROP TABLE IF EXISTS `password_resets`;
        DROP TABLE IF EXISTS `idempotency_keys`;"""


MODELS_STATE = (
    "eJztXV9z2zYS/yoYvbS9UTOObMu55MlJm9bX1OnFvpvOJB0JIiELFUWwAGRF08t3vwVAUv"
    "xvkpZkicFLYgFYAvxhubvYBRZ/9xbMJZ549h9BeO8l+rvn4wWBP1LlfdTDQbApVQUSTzzd"
    "cAktdAmeCMmxI6Fwij1BoMglwuE0kJT5qun4H6M5WY+Rw7zlwhdoxjwXyRlBPuML7FFBXD"
    "SFP9G3129/edNHDhZkCm2I+x2arNFqRp0ZUgMUCPsuwq7LiRDqFydo6dO/luSZGonLHBgK"
    "9e/21ekn/5M/5uSeCnjTMbrjbCXQisoZIveEr5Ezw/4dQWwKj8MSYeiEu0jMoNkzNA6Wnk"
    "fcMaICPVf9eTA2skIBE9L04jOJgqWYwUglg8F6HlsB6N988qeEuKKPJkvVQD0FTTlb6NfD"
    "Szlj/BuB2MpH8JoSHk186FvRqL44wa6Gy7zESLI7AoSKDT7+AcXUd8lnItTPjz18jyXmCs"
    "ke1H3smd4UNXV7f6jmwXw0pcRzU1xEdRNdPpLrQJe9pndXvnyr26rJmozM1GzaB2sYuh8T"
    "UF+q0jviE44lcRMM5sMwQkaMiszbQIHkSxK/hrspcMkULz3FporajGBT1huNrt/fjm5+vB"
    "2NejkWjigSDBYWOcxX7A9jFRqBOzWE7/85GJyeXgxOTocvzs8uLs5fnLyAtnq8+aqLL2Yw"
    "G7jMozRoVz9dXd+qATH4xsyXpwq+aBqYG0OlZ2sDv/o29d+5SXgzw7x4CpI0mYmAF2wzEV"
    "HBZiY28mEfU7HAn0ce8e/kDH6enlSg/N/LD29+vvzw7enJd2mor8Oaga5SoOdB1h9HC6Aj"
    "uu2A/bRcn4J6WAfqYTnUwxzUZIGp1wTjmKCDnDw4P6uBL7QqBVjXFSDclJNTRJ1j453gHG"
    "AhVoy7oxkWsyZY5wg7yNkXgxqAXwxK8VZVJXAbS8wdYTlaiGa2SfkztmOvPPUU7NFi2UzM"
    "FMYyamqipIj2x/+93l64//lJHb0JrUr5X9elcZ5Q1gThsHnnsD2vhe15BbbneWxXZCKobM"
    "TBCZLOYTyohfGgAuNBHuPE+rMBzGmqziH9fFBLUgwqJMUghzRnXiNWjtrvEd1l6JTaA8LD"
    "OgAPy/Ed5iwR5dUB+JbGSEijXG57pKn2Z3Cc7NbaGDw/uzh7cTo8i42MuKTKtiiwIyKnWG"
    "NoCygtvMXwQo8t4U1RWniz8DqcqDdvsyrJkdrFSOvFSOTBb8DeSZIn5OuTw+HlTWQgDeHN"
    "AnteuYKLqY4axdPBxTAGUP2owu7m18t37wyAKoAynSd8+Kpggp35CnN3lKthA1bWNl+1GC"
    "yyJdjHdxoU9TJqhGG074YIYV48FwiMqvpVsUBhGtUMB34gU07EDEk2J76JdM1JIBEW6Obn"
    "y+8H50MVMZMzQjni2HfZAo3/lHT8Sse3AvXpsaVAzCcqnKVJp4zrSnZPuIeDfDRwT33WCa"
    "kpK3ZEbQztIJRAeQyNG45p7KjN0nXQTzus4xgflvvFh3m3ePiBNXeLZwk7t9jfPticybZW"
    "Z460Mzb9nk1OrQRAGRetqapDxxuqzrH6bjyIZuNOI/fhhqRzGJ+d14D47LwUYVVlF7EHKF"
    "E8LOQIBESriSggtlPReirI54CCAGkzETnSXU1DVw36lFcHFnvtzJwsaatZCCH+qichsdit"
    "D3+CyEqhRtDn/EnpmchPw1vGCb3zfyFrPRVXMG7sO0WBvczG8CObgi8Rj0Wlm6+P41XsfU"
    "myHrw7vDGRxli8vHlz+cOPvS9P46D7LdyD9IEIInsFbrp0g36Vsy7ez8RV25o+ux80Eq7Z"
    "S06lcoIpc6Fvdrtjz0NMObxE6EVDAoanWvC8K+5xj3rYw2YdaofpUNOu18YOnjRV5zaZbt"
    "+7Y43PQ7B77KL4IKbBmp/W/DyEKThy8/PKJYuASeI7a5iqIvsz06LSAKWbtmqLZk0LFHiD"
    "cGU3Ul+bhdDcF0AB1ZGlSKZT4sg+Egx+YhlFa311GFM14ETbmGwpTeBWFeXt0111pA+Lwv"
    "tqY0af+tTnQhnCYq7M3/DZHKiIPnIaFgDJKzSewugID2CQMqJVlRPmrp+hMWht4FfgHF1n"
    "HrPSY/vkr7BAC+wSaAYvsiJcnYnVx1qn0gxX/V5QeB/VK9AvqBDQnbHQTfybOUQIpB41p/"
    "q8KYAzIXJFiG/N8oOXy1VmecSRTYzyJI01yR80yRPfbhOUM2R2I0Gd2HYkCJs6fBNk1uhr"
    "bW8bBZPH/pZ8LkF+Q9GKvx/2sT+FnVcE4O2Pv2v4FkL85SXZ+NtfL3/XHL5YhzXv3l//FD"
    "VPsP2bd+9fH+Eys5sq9UB2bv7GRLE/WJVXWuH6aEk90/sSuaHPVhEpC3FGXVclFVGmr0NU"
    "vpRx2MTw09jYkhLPVasAc4k8YCLeV3ZjQAlYk3nDezfdNMzRAr2q/Cza1FcmsT69oLzR1H"
    "e8pUvcl8jBzgzMZ0k8Tw2JyjBZjF4BrGr7qT/2TKoWuxf0ID7oKhvZwWbgDfRagqQThtu+"
    "NZtH56T5oa4MVWd2J27vxBGs9Inf4iRintCCm9v349KWxliWckf7Tb6CFYg9y7UFRk4ZWc"
    "04OUdqWbn1YjppHtafgRSZ9WVsK4BlYLUhrIdCWCn2O6QglloSXy2w5qXC9bKp7D+0aB5R"
    "1a5u6tMFqHZsMpGGkRmdZJSb9aXKxumD7leHJ6N4k6ZAQgJfFWQ1ffzzClamH8MXMyKDCf"
    "0AsxxNLVjjzu1S9WmVRPlSNZ693CQ8cBA7QdclpdH2ZHZSEW/YPgdqefQmRdQJF8Ae0pWt"
    "qCsLIpGlXBu37xLLbs2Mn4FhMmuyyN8QWDwL8Jx4S940VJ6k6aAU2H4EF3tyJMnnRpHyJE"
    "3nTmyCmKwpaStFbU7W3mNOsS8L1vflXu0kTSe4ed9u7YSdXd9EThrnHZLLT7ueD8II6SNX"
    "81Gg9cimoO5qPsF6h7SWf2OiEb2ClXxU1a9ax0fRjFqL+HJQ6wR5kx8vhtW5tPHegxAN/a"
    "pFdHKiGsjpJJn1e7c+O8N8WZgYpSLaviGxZkkLs4STwKMt4u05OhsUPqYoTlclu7W3rb19"
    "WFOwNXs7L1oOKiS5T4ly9BHJd3ROegVLGF3er1q/6H1u21+8pJKTRqyYDwMmmNSuYp5a11"
    "WGAq3us+fOvwLo7bnzXZ87z9rU1pI7Us/pW30vR5HVEdZU2h3mVo+dWB7RfSyR2DQ/SbEF"
    "kqzdNNa0f6hrijP1mWJ75OYwxHaV8ZKd4drzkCG0mrS1EZP9IptOgTVmtm3MRMBag+Yh7Z"
    "thwYeNmkhsWGhrQksO0Li58ifsc5FtYyoqTRuqmtTd1v3eNxl2MOLEoQElvnylt197zJmj"
    "YCnN1myfSTqlDjb7sdlUJwoKCBfMRwAw078Zd4vSEO2mi0fk6TmMNa01jUyydkEAj1AM1Z"
    "+OHGln4nWHnvLhIY8EfO63DP7ZsY550s9na96I7WmM64T4LFIcqfpK/ZESxPW0yC3IbzMz"
    "KskbWuC5ysoG8j7QqVkQEGvxnXz0KzSWmIP0TiZ7U76GfpzJDTQFCu8mi3R1Xr3ssW+VgU"
    "N152CYWOhpjSYkTvUxIVOwrxD21yqVHSg3Nhc6sZ7OAaKye0SPVXe2BR6wDczhYqJScqhE"
    "e+VHmmK1GbKS/oLUvDgyjgbFr2P8A1mSWFJmPRDWa3CYqrGdVnwahdiRyUgk+A4/sLq79q"
    "P2ndixtev7wzeSqhFrp8gsbx/XPiK7G/RlvFW7MfhpOot/W/w5wS3vUMI2C4i9SaAr05Bc"
    "NTTYxZugspt424ug9LKsiRBKU9oPYFuhqBhZGzB5yJ2VZcIaG3uV2DgoYA/RTZgUrocUhf"
    "oXm/QKXImquF/lQfyTTepmFeJLP8yAq11kY49gQUZLX1LPFHKCmEn/4+h4UXhdhHKcTKDp"
    "q5BkjNQgRdgQ04W5z2LG4D11IYypIAnR3ruvc9ASGiz1tyDUHeX6o+CUcSp1BpZ4yMbTF7"
    "dJD91U5p80pT4Vs9iUsruGDtT/F89cXR9UTNBBJ9TpoIYT6nRQ6oRSVWlDbA7v1QTdqH0H"
    "wd1+4pMArz2GC/AtP/aaIOkExHvPxpFQEGnMH0iWlqDrTAR9G5nSEgqznoTY6Oou8G8mCF"
    "BH/j4vl7/Pc/J3Y8Q0MjJSZHYJ3N4HJCVZBEUZk8odQAmSzkiKLeaZxnLWBM4NgQUzC6Ze"
    "yTSRvTFB51KmndVJmHZWni7tLJcsLbNMbCR+87SdYd59R2E5u+NENEpZl6SxV4w1t5FnVK"
    "WOLjCRyyFPkFjEu3mp21dg7WV8fo3mIU9rA+B722q9PU/+v5V38GZFpTPrFXj0k9X9Ks++"
    "9jLW9O2/ZnKGJNUXND/gRs975psSP+I4iP6/gbUZte/cfcHbcrNWpSNcinZyKEtppVDrbT"
    "j6msh2SjlLapXyMSqDGwcU+lIPLKcJ4rpKNSDCVnWjvD5Y2KNErJWKSoluLkNdsHsS3/0C"
    "PfgCOqGaTl1v6gvCZVVsd0+dWs1zODGocs2TZoZmYi9Pa+XeMcq9a/ivSObp8kp550NRXV"
    "mnT6YqecOW0qP34aYQ7Tp7aQ46AzvpnSHmritdpM+BISGxki54KuGHurNZXeSsLnfWx6WN"
    "1BJ4XXDj9N56fYy0C2FuEp+MaLqzr6R9cLJcuLGVX3QSt1yRxAQdDFZal3mndEdqIoyQaz"
    "gDGyIL/TGq7UvCabHbKqypVN1402aX12M02kf56E2Uod46dF33yIhwucID46T4auxylZcg"
    "6aDSG5yf19B60KpU7em6zC4R+KgaIBw27yC6O7khsvRykH/dvL8u8b+VXg7iUkei/yGPHn"
    "Mm0iJwFRjVcclsCLJvjiurUHn0gNdPrcy+/B8/rJx3"
)

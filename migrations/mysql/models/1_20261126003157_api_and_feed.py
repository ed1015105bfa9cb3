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
        ALTER TABLE `users` ADD `revision` INT NOT NULL DEFAULT 0;
        ALTER TABLE `users` ADD `pulled` SMALLINT NOT NULL DEFAULT 0;
        ALTER TABLE `posts` ADD `revision` INT NOT NULL DEFAULT 0;
        ALTER TABLE `posts` ADD `deleted_at_ms` BIGINT;
        ALTER TABLE `users` ADD INDEX `idx_users_pulled_d9067b` (`pulled`, `id`);
        ALTER TABLE `sessions` ADD INDEX `idx_sessions_revoked_130017` (`revoked_at_ms`);"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE `sessions` DROP INDEX `idx_sessions_revoked_130017`;
        ALTER TABLE `users` DROP INDEX `idx_users_pulled_d9067b`;
        ALTER TABLE `users` DROP COLUMN `revision`;
        ALTER TABLE `users` DROP COLUMN `pulled`;
        ALTER TABLE `posts` DROP COLUMN `revision`;
        ALTER TABLE `posts` DROP COLUMN `deleted_at_ms`;
        DROP TABLE IF EXISTS `idempotency_keys`;
        DROP TABLE IF EXISTS `password_resets`;"""


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
    "y+8H50MVMZMzQjni2HfZAo3/lHT8Sse3AvXpsaVAzCcqnKVJp4zrSnZPuIeDfDRwT30+HF"
    "KzIbPDDJlxwyCN/bJZug66ZYd1/ODDcjf4MO8FD7+n5l7wLGHn1vbbB5sz2dbIzJF2xoTf"
    "s4WpPBcj0L1FS6jqSPGGqnOsvhuHodmn08hbuCHpHMZn5zUgPjsvRVhV2TXrAUoUDws5Ag"
    "HRaiIKiO1UtJ4K8jmgIEDaTESOdFfT0FWDPuXEgbVdOzMnS9pqFkKIv+pJ0BZL05VsgshK"
    "oUbQ59xH6ZnIT8Nbxgm9838haz0VVzBu7DtFcbzMPvAjm4IvEY9FpZuvj+NV7H1Jsh68O7"
    "wxkcZYvLx5c/nDj70vT+OP+y3ccvSBCCJ7BV65dIN+lW8u3r7EVduaLrofNBKu2TpOpfJ5"
    "KXOhbza3Y89DTPm3ROg0QwKGp1rwvOftcY+yDrVDlj/9Coea9rQ2dvCkqTq3p3T73h1rfB"
    "6C3WMXxQcxDdb8tObnIUzBkZufVy5ZBEwS31nDVBXZn5kWlQYo3bRVOzJrWqDAG4Qru5H6"
    "2iyE5r4ACqiOLEUynRJH9pFg8BPLKDjrq7OXqgEn2sZkS2nitKoob5/uqiN9NhTeVxsz+p"
    "CnPgbKEBZzZf6Gz+ZARfQJ07AASF6h8RRGR3gAg5QRraqcMHf9DI1BawO/AufoOvOYlR7b"
    "J3+FBVpgl0AzeJEV4eoIrD7FOpVmuOr3gsL7qF6BfkGFgO6MhW7C3cwhQiD1qDnVx0sBnA"
    "mRK0J8a5YfvFyuMssjjmxilCdprEn+oEme+HaboJwhsxsJ6sS2I0HY1OGbILNGX2t72yiY"
    "PPa35HMJ8huKVvz9sI/9Key8IgBvf/xdw7cQ4i8vycbf/nr5u+bwxTqseff++qeoeYLt37"
    "x7//oIl5ndVKkHslHzNyaK/cGqvNIK1ydJ6pnel8gNfbaKSFmIM+q6KoeIMn0dotKjjMMm"
    "hp/GxpaUeK5aBZhL5AET8b6yGwNKwJrMG9676aZhShboVaVj0aa+Mon1YQXljaa+4y1d4r"
    "5EDnZmYD5L4nlqSFSGuWH0CmBV20/9sWcys4Rax6ZPeWo1Vm4jO9gMvIFeS5B0wnDbt2bz"
    "6Jw0P8OVoerM7sTtHTCClT7xWxw8zBNacHP7flza0hjLUu5ov8lXsAKxR7e2wMgpI6sZJ+"
    "dILSu3XkwnzcP6M5Ais76MbQWwDKw2hPVQCCvFfocUxFJL4qsF1rxUuF42lf2HFs0jqtrV"
    "zXS6ANWOTeLRMDKjc4pys75UyTd90P3qrGQUb9IUSEjgq4Ikpo9/XsHK9GP4YkZkMKEfYJ"
    "ajqQVr3Lldqj6tkihfqsazl5uEB85dJ+i6pDTaHsROKuIN2+dALY/epIg64QLYQ3ayFXVl"
    "QSSylGvj9l1i2a2Z8TMwTGZNFvkbAotnAZ4Tb8mbhsqTNB2UAtuP4GJPjiT53ChSnqTp3I"
    "lNEJM1JW2lqM3J2nvMKfZlwfq+3KudpOkEN+/brZ2ws+ubyEnjvENy+WnX80EYIX3kaj4K"
    "tB7ZFNRdzSdY75DW8m9MNKJXsJKPqvpV6/gomlFrEV8Oap0gb/LjxbA6lzbeexCioV+1iE"
    "5OVAM5nSSzfu/WZ2eYLwsTo1RE2zck1ixpYZZwEni0Rbw9R2eDwscUxemqZLf2trW3D2sK"
    "tmZv50XLQYUk9ylRjj4i+Y7OSa9gCaPL+1XrF73PbfuLl4+ps68hK+bDgAkmtauYp9Z1la"
    "FAq/vsufOvAHp77nzX586zNrW15I7Uc/pWX8NRZHWENZV2h7nEYyeWR3T9SiQ2zU9SbIEk"
    "azeNNe0f6lbiTH2m2B65OQyxXWW8ZGe49jxkCK0mbW3EZL/IplNgjZltGzMRsNageUj7Zl"
    "jwYaMmEhsW2prQkgM0bq78CftcZNuYikrThqomdbd1v/dNhh2MOHFoQIkvX+nt1x5z5ihY"
    "SrM122eSTqmDzX5sNtWJggLCBfMRAMz0b8bdojREu+niEXl6DmNNa00jk6xdEMAjFEP1py"
    "NH2pl43aGnfHjIIwGf+y2Df3asY57089maN2J7GuM6IT6LFEeqvlJ/pARxPS1yC/LbzIxK"
    "8oYWeK6ysoG8D3RqFgTEWnwnH/0KjSXmIL2Tyd6Ur6EfZ3IDTYHCq8giXZ1XL3vsW2XgUN"
    "05GCYWelqjCYlTfUzIFOwrhP21SmUHyo3NhU6sp3OAqOwe0WPVFW2BB2wDc7iYqJQcKtFe"
    "+ZGmWG2GrKS/IDUvjoyjQfHrGP9AliSWlFkPhPUaHKZqbKcVn0YhdmQyEgm+ww+s7q79qH"
    "0ndmzt+rrwjaRqxNopMsvbx7WPyO4GfRlv1W4MfprO4t8Wf05wyzuUsM0CYm8S6Mo0JFcN"
    "DXbxJqjsJt72Iii9LGsihNKU9gPYVigqRtYGTB5yZ2WZsMbGXiU2DgrYQ3QTJoXrIUWh/s"
    "UmvQJXoiruV3kQ/2STulmF+NIPM+BqF9nYI1iQ0dKX1DOFnCBm0v84Ol4UXhehHCcTaPoq"
    "JBkjNUgRNsR0Ye6zmDF4T10IYypIQrT37usctIQGS/0tCHVHuf4oOGWcSp2BJR6y8fTFbd"
    "JDN5X5J02pT8UsNqXsrqED9f/FM1fXBxUTdNAJdTqo4YQ6HZQ6oVRV2hCbw3s1QTdq30Fw"
    "t5/4JMBrj+ECfMuPvSZIOgHx3rNxJBREGvMHkqUl6DoTQd9GprSEwqwnITa6ugv8mwkC1J"
    "G/z8vl7/Oc/N0YMY2MjBSZXQK39wFJSRZBUcakcgdQgqQzkmKLeaaxnDWBc0NgwcyCqVcy"
    "TWRvTNC5lGlndRKmnZWnSzvLJUvLLBMbid88bWeYd99RWM7uOBGNUtYlaewVY81t5BlVqa"
    "MLTORyyBMkFvFuXur2FVh7GZ9fo3nI09oA+N62Wm/Pk/9v5R28WVHpzHoFHv1kdb/Ks6+9"
    "jDV9+6+ZnCFJ9QXND7jR8575psSPOA6i/29gbUbtO3df8LbcrFXpCJeinRzKUlop1Hobjr"
    "4msp1SzpJapXyMyuDGAYW+1APLaYK4rlINiLBV3SivDxb2KBFrpaJSopvLUBfsnsR3v0AP"
    "voBOqKZT15v6gnBZFdvdU6dW8xxODKpc86SZoZnYy9NauXeMcu8a/iuSebq8Ut75UFRX1u"
    "mTqUresKX06H24KUS7zl6ag87ATnpniLnrShfpc2BISKykC55K+KHubFYXOavLnfVxaSO1"
    "BF4X3Di9t14fI+1CmJvEJyOa7uwraR+cLBdubOUXncQtVyQxQQeDldZl3indkZoII+Qazs"
    "CGyEJ/jGr7knBa7LYKaypVN9602eX1GI32UT56E2Wotw5d1z0yIlyu8MA4Kb4au1zlJUg6"
    "qPQG5+c1tB60KlV7ui6zSwQ+qgYIh807iO5ObogsvRzkXzfvr0v8b6WXg7jUkeh/yKPHnI"
    "m0CFwFRnVcMhuC7JvjyipUHj3g9VMrsy//B212lzM="
)

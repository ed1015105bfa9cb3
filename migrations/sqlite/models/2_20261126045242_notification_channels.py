from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "notification_preferences" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "type" VARCHAR(16) NOT NULL,
    "push" SMALLINT NOT NULL,
    "email" SMALLINT NOT NULL,
    "in_app" SMALLINT NOT NULL,
    "user_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_notificatio_user_id_bcf899" UNIQUE ("user_id", "type")
) /* What differs from the default, which is everything; a row a person and type. */;
        CREATE TABLE IF NOT EXISTS "devices" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "token_hash" VARCHAR(64) NOT NULL UNIQUE,
    "token" VARCHAR(2048) NOT NULL,
    "platform" VARCHAR(16) NOT NULL,
    "created_at_ms" BIGINT NOT NULL,
    "registered_at_ms" BIGINT NOT NULL,
    "session_id" BIGINT NOT NULL REFERENCES "sessions" ("id") ON DELETE CASCADE,
    "user_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE
) /* A registration token of Firebase Cloud Messaging, which belongs to the session that brought it last. */;
CREATE INDEX IF NOT EXISTS "idx_devices_session_393214" ON "devices" ("session_id");
CREATE INDEX IF NOT EXISTS "idx_devices_user_id_415869" ON "devices" ("user_id");
        ALTER TABLE "notifications" ADD "withdrawn" SMALLINT NOT NULL DEFAULT 0;
        ALTER TABLE "notifications" ADD "listed" SMALLINT NOT NULL DEFAULT 1;
        ALTER TABLE "notifications" ADD "owed" SMALLINT NOT NULL DEFAULT 0;
        ALTER TABLE "notifications" ADD "others_count" INT NOT NULL DEFAULT 0;
        CREATE INDEX "idx_notificatio_recipie_f05cb0" ON "notifications" ("recipient_id", "listed", "sequence");
        CREATE INDEX "idx_notificatio_post_id_2d60cc" ON "notifications" ("post_id", "comment_id");
        CREATE INDEX "idx_notificatio_recipie_fbfdd7" ON "notifications" ("recipient_id", "listed", "read_at_ms", "sequence");
        CREATE INDEX "idx_notificatio_recipie_685ff6" ON "notifications" ("recipient_id", "type", "target_id", "listed", "sequence");
        UPDATE "notifications" SET "listed" = 0 WHERE "type" = 'like' AND EXISTS(SELECT 1 FROM "notifications" o
    WHERE o."recipient_id" = "notifications"."recipient_id" AND o."type" = 'like'
    AND o."target_id" = "notifications"."target_id" AND o."sequence" > "notifications"."sequence");
        UPDATE "notifications" SET "others_count" = (SELECT COUNT(*) - 1 FROM "notifications" o
    WHERE o."recipient_id" = "notifications"."recipient_id" AND o."type" = 'like'
    AND o."target_id" = "notifications"."target_id") WHERE "type" = 'like' AND "listed" = 1;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "idx_notificatio_recipie_685ff6";
        DROP INDEX IF EXISTS "idx_notificatio_recipie_fbfdd7";
        DROP INDEX IF EXISTS "idx_notificatio_post_id_2d60cc";
        DROP INDEX IF EXISTS "idx_notificatio_recipie_f05cb0";
        ALTER TABLE "notifications" DROP COLUMN "withdrawn";
        ALTER TABLE "notifications" DROP COLUMN "listed";
        ALTER TABLE "notifications" DROP COLUMN "owed";
        ALTER TABLE "notifications" DROP COLUMN "others_count";
        DROP TABLE IF EXISTS "devices";
        DROP TABLE IF EXISTS "notification_preferences";"""


MODELS_STATE = (
    "eJztXVtz2zYW/isYvbTdUT22fMsmT06aNG4TJxun284kHQkSIQk1BagEZMXTzX9fHID3m0"
    "lakikGL4kF4BDgh8ODcwEO/uktuENccfCbIF7vKfqnx/CCqD8S5X3Uw8tlVAoFEo9d3XCl"
    "WugSPBbSwxOpCqfYFUQVOURMPLqUlDNoOvrX8IbcjdCEu6sFE2jOXQfJOUGMewvsUkEcNF"
    "V/ou+vXv36oo8mWJCpakOcH9D4Dq3ndDJHMECBMHMQdhyPCAG/PIJWjP69IgcwEodP1FAo"
    "m+2q08/sMxt55JYK9aYjNPP4WqA1lXNEbol3hyZzzGYE8al6HJYIq048B4m5anaARsuV6x"
    "JnhKhAR9Cfq8ZG1mjJhTS9MC7RciXmaqSSq8G6Ll8r0L/7zKaEOKKPxitoAE9BU48v9Ovh"
    "lZxz7zuB+Joh9ZpSPZow1TfQQF8ewY6Gy7zEUPIZUYTABp/+VMWUOeQLEfDzUw/fYok9QL"
    "Kn6j71TG9ATZ3en9B8eTOcUuI6CS6iuokuH8q7pS57TmeXTL7SbWGyxkMzNVH75Z0aOgsJ"
    "KJNQOiOMeFgSJ8ZgTA3DZ8SgyLyNKpDeioSv4UQFDpnilQtsCtRmBFFZbzi8evdxeP3y43"
    "DYy7BwQBFjML9owhmwvxqr0AjMYAg//nswOD4+Hxwenz05PTk/P31y+ES11ePNVp1/NYOJ"
    "4DKP0qBd/nx59REGxNU3Zr48KPiqadTcGCo9WxH88G3qvzOT8GKOvfwpiNOkJkK9YJOJCA"
    "qimYjkwy6mYoG/DF3CZnKufh4flqD834sPL15ffPj++PCHJNRXfs1AVwHoWZD1x9EA6IBu"
    "M2A/LtcnoD6rAvVZMdRnGajJAlO3DsYhQQc5eXB6UgFf1aoQYF2Xg3BdTk4QdY6Nt4LzEg"
    "ux5p4znGMxr4N1hrCDnH0+qAD4+aAQb6gqgNtoYs4Qy+FC1NNNip+xGX3lsadghxpLNDFT"
    "NZZhXRUlQbQ7/u/1dsL9R4dV1k3VqpD/dV0S5zHldRD2m3cO29NK2J6WYHuaxXZNxoLKWh"
    "wcI+kcxoNKGA9KMB5kMY7ZnzVgTlJ1DumjQSVJMSiRFIMM0h53a7Fy0H6H6K58p9QOED6r"
    "AvBZMb5nGU0EvDoKvpVREpIoF+seSardKRyH29U2Bkcn5ydPjs9OQiUjLCnTLXL0iMApVh"
    "vaHEoLbz68qseG8CYoLbxpeCcegTdvYpVkSK0x0tgYCTz4Ndg7TvKIfH3YHl6OIgNJCK8X"
    "2HWLF7iQaq9RPB6cn4UAwo8y7K7fXrx5YwCEAMr0JubDh4IxntyssecMMzV8wIvaZqsWg0"
    "W6BDM806DAy8AI/WjfNRHCvHgmEBhU9ctigcI0qhgO/ECmHhFzJPkNYSbSdUOWEmGBrl9f"
    "/Dg4PYOImZwT6iEPM4cv0OgvSUfPdHxrCZ8eXwnEGYFwliadck9X8lviuXiZjQbuqM8qIT"
    "XQYofUxtBasQgUx9A8wzG1HbVpug76ac+qOMbPiv3iZ1m3uP+B1XeLpwk7Z+xvHmyPy6Za"
    "Z4a0Mzr9jlVOvQioxTjPpioPHUdUnWP17XgQzcadWu7DiKRzGJ+cVoD45LQQYaiyRmwLJY"
    "qLhRwqAdFoInKI7VQ0ngryZUmVAGkyERnSbU1DVxX6hFdHGXvN1Jw0aaNZ8CH+pichZuxW"
    "hz9GZKVQLegz/qTkTGSn4RX3CJ2xX8mdnopLNW7MJnmBvdTG8D2bgq8BjwWl0dfn4XXofY"
    "mznnp39cZEGmXx4vrFxU8ve18fx0H33t+D9IEIIns5brpkg36Zsy7cz+RB24o+u580Eo7Z"
    "S04lOMFAXeib3e7YdREHh5fwvWhIqOFBCy/rinvYo+73sFmHWjsdatr1WtvBk6Tq3CbTzX"
    "t3rPLZBr3HGsWtmAarflr1sw1TsOfq56VDFksuCZvcqanK0z9TLUoVUBq1hS2aFTVQxRvE"
    "A72RMq0WquZMKApVHWiKZDolE9lHgqufWAbRWgaHMaGBR7SOyVfSBG6hKKufbqsjfVhUva"
    "9WZvSpT30ulCMsbkD99Z/tKSqij5z6BYrkGRpN1eiIt1SDlAEtVI65c3eARmrVVvyqOEfX"
    "mces9dg+szUWaIEdopqpF1kTD87E6mOtU2mGC78XVL0P9KroF1QI1Z3R0E38m0+IEAgedU"
    "P1eVMFzpjINSHMquWtl8tlannAkXWU8jiNVcnvVclj324dlFNkdiNBldh2IAjrOnxjZFbp"
    "a6xvmwUmi/1H8qUA+YiiEX/f72N/DD0vD8CPL//Q8C2E+NuNs/H3by/+0By+uPNr3ry7+j"
    "loHmP7F2/ePd9DM7ObS2pLdm6+5yLfHwzlpVq4PlpSTfW+QI7vswUi0BDn1HEgqQiovhMC"
    "+VJGfhPDTyOjS0p8A62W2JPIVUzk9UFvXFKitMms4r2dbmrmaFG9Qn4WreqDSqxPL4A3mr"
    "KJu3KI8xRN8GSu1GdJXBeGRKWfLEZbAOvKfupPPZOqxe4FbcUHXaYjT7AZeI11LUbSCcVt"
    "1yubS29I/UNdKarO7E7c3IkjZekT1uAkYpbQgpvZ9+PQhspYmnJL+02+AQvEnuXaACMnlK"
    "x6nJwhtazc2JiOq4fVZyBBZn0ZmwpgGVhtCOu+EFaC/doUxAKT+HKBNS/l2sumsn+f0Tyk"
    "0K5q6tOFWtqxyUTqR2Z0klHP2JeQjZOptR8OTwbxJk2BhFR8lZPV9OHPy7FMP/kvZkQGF/"
    "oBxhxNGKxh59ZUfdxFothUDWcvMwn3HMSO0XVp0Wh6Mju+EEdsnwG1OHqTIOqEC2AH6crW"
    "1JE5kchCrg3bd4llN6bGz5ViMq9j5EcEFs8cPMfuyqsbKo/TdFAKbD6Ci105lORLrUh5nK"
    "ZzJzaVmKwoaUtFbUbW3mKPYiZz7Ptir3acphPcvGu3dkzPrq4ix5XzDsnlx7Xnl36E9IHW"
    "fBBo3bMpqGrNx1ivTbb8CxON6OVY8kFVv8yOD6IZlYz4YlCrBHnjHy9W1rm08d5WiIZ+mR"
    "Edn6gacjpOZv3ejc/OcCZzE6OURNsjEquWNFBLPLJ0aYN4e4bOBoX3KYrTVclu9W2rb7dr"
    "Cjamb2dFS6tCkruUKHsfkXxDb0gvx4TR5f0y+0Xvc9u88ZJIThqwYjYMGGNSa8U89lpXGg"
    "q0a589d/4NQG/PnW/73Hlap7aa3J56Tl/peznytA6/plTvMLd6bEXzCO5jCcSm+UnyNZB4"
    "bdRY0/4J1xSn6lPF9shNO8R2mfKSnuHK85AitCtpYyUm/UXWnQKrzGxamQmAtQrNfatvig"
    "XvV2oCsWGhrQgtaaFyc8nG/EuebmMqSlUbCk2qbut+x0yGHYw8MqFLSph8prdfu3xyg5Yr"
    "abZmMy7plE6w2Y/NpzpR0JJ4gjOkAOb6N/ecvDRE2+niAXl62mHTWtXIJGsXROHhi6Hq05"
    "Eh7Uy8ru0pH+7zSKjP/SNX/2x5jXnUz2dj3ojNrRhXMfGZt3Ak6kvXj4QgrraKfFTy28wM"
    "JHlDC3wDWdmUvF/q1CxIEWvxHX/0MzSS2FPSO57sDXwN/TCTm1opkH83WbBWZ5eXHfatM3"
    "AEQmdk0mTM1ANvib5DTfAFgTR2OhfeGnaXqk4ZMRnu4LI1ysJcfAr+p/BHkDja5NoLb2KD"
    "nzqhB4O5U726VKiXGen73tRnJIjJ1weNoUqn+hBPg2R6OqoSrqGQg4Qz984ss2RN4D1Npg"
    "+93UFEfYoDdMEAss9MPx/y5JmkJMClyCX4Vj1YH8/i6z4aQfoRR7E8G0U5BB0OKffUa+GZ"
    "+jQ0SurZUKb6PkAjBaV6kTmGWRpTc/0cwWowfPqZvf/t+rVOhfLy7cXlG8hK4qckMWMRal"
    "r6MC9hBUZ/8bFGkEOtAlgeIOCJCVZfn2KHOzQmQT6Wz2xMVHeQlfBOz5TL+Y3QQ9coQcfB"
    "5APSSxfegK0WY0icAlNUfPAsVG78D17LOfh6JjKM2YVMZ7w4aZJwPcv6idJNDT8kifIeGb"
    "XzCI4dZi6nCsYejbeky5h/0MduaP1R7VW6mulbj6NqdWQyYqnj/Q+r6nmQoH0n9gJu+2b6"
    "hLSqztoJMsvb+7VDze4zfppYdmuBn6Sz+DfFP9KMktiXH1SPqHYndI7SuB89GOtNnEsPzY"
    "i6GCYI9zrl0SZgNCZc7b3vabK9xnFj293BTK3LjgHNXiO4CU5MGpvVV6QknV2RGmsEe5BO"
    "+RuYhrjvp8aJmRiVPTDTFPu0T6uOEEpS2g9gU9s+QmTt5oT7QkdpJqxwiAbERquAbWNILi"
    "5c27TjIx6fe++RKfG0u/WeSF6sZb9qTG+4DIkqhvd+12EdOp1CFGTq8YUOGPlT2I+Sxus8"
    "9DrU8wwicHrPh7+DQ2e3V3yWjd9t+uH3nQbS3J4OsNhgRTuDFdZfvkV/+XKVlwHsnuyKq9"
    "wMYLt0WbUvrSJZYOrWRTIkslDG5S0bwipWE8uIyoLZuo2Ojy1F22D42MN7m98utzPV/Cdy"
    "S/NVcb+mVPV2dJvKF1R5ZEahlb6lVd8ZD/u4XlGPjLEg6IXLVw56S4TAMwV5oB+PicvZTG"
    "+CAu1ZqHpND7r12OOr2VzCFirYNZt3XdX2O4Wtc7AryzxcqfP+lj197ZRA168vfhycnj31"
    "d8PBc/WNrhiUe6TZ1t/KdYB+11vl4j3CXjKi2jj9cKsZNXvF7JWurZeapeo/cEvtS12TVP"
    "Za15QhkM1UqwGrjXBH7azB4cmTCgBDs0KITWXK2nKxnHJvUQfnOE0Hod68SWvjXi2JvYA+"
    "oZbphkHgLLWdjMaT4WtJtQ3BJJ0NRDbFv61WeDeR3ycjvI3xsVoJdHwRsQFQr6MndRPXpD"
    "Rtk3vjFz7u5fg2oLhf5tj4i4+r3h3mrZh/z7WO1Y1cggUZrpikrilUBj03B+Mm+lS4f44N"
    "DEPwQDzzSUYIBin8hpgujLNhztV76kI1ppyrxnbefZV06qrBSn8Q6tOQ5svwKPeo1PcshU"
    "M2Z6zCNsmhm8rsk6aUUTEP9Sd7Fqul/o1w5qoahCFBB63B40EFa/B4UGgNQlVS84IDt3XQ"
    "Ddp3ENzNO42W+M7lOAff4uT2MZJOQFwC6Xbu3IktELWC9jG6zuTJ2ESANLZgVpMQ0VrdBf"
    "5NeeOqyN+jYvl7lJG/kRJTS8lIkFnHT/Pd51KSxTLvXrTirecxks5Iig3eJo/lvA6cEYEF"
    "M3NoEiyZOrI3JOjcxYgnVa5FPCm+FPEkcyViykysJX6ztJ1h3l2fiPf4zCOi1sWUcZpGjN"
    "6y82+71pHnFC6Iz1GRiyGPkVjE6yNuY66tEDYpn1+tecjS2qO3Dwo6PY4n/z/gHbxeUzmZ"
    "93I8+vHqfplnX3sZK/r2n3M5R5KCW/w+N3rWM1+X+AE7+fT/NbTNoH3nto9tys1adunoSj"
    "STQ2lKK4WargaQO3LWcFFOk9pFeR8Xg+uJWtBXemCZlSCsK10GhN+qapSXKQ17GIu1UlEq"
    "0fs6GLvgOqOoaad6YEJ1Em4jp0wQT5bFdnfUqV152hODKl55ksxQT+xlaa3c20e5d6X+y5"
    "N5urxU3jFVVFXW6fzzIG/4Srr01t8Uol1nT/08y1/MzhDiBTLI5BFGQmKQLngq1Q+qj7gr"
    "drrVP4QvtQS+EznCble9PkTa+TDXiU8GNN3ZV9I8OFks3Pia5e1fLF5IQoIOBiuty7xTa0"
    "diIoyQqzkDEZGFfh+X7Qvi0Xy3lV9TunTjqM1Gb3N8yDnRB2+i9Nettq91D4wIFy94SjnJ"
    "311evOTFSDq46A1OT6ucTDw9LT6YCHWpXSJ56TaKEc7Ps9EFdI8Oq+gUqlXxDqjDjFahep"
    "S5+e5+uX53VeB/i0hSKDt0ItH/9IUve4h2CbgARnlcMh2C7JvU8RAqDx7w/LEXs6//B4dU"
    "Hos="
)

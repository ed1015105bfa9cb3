from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS `notification_preferences` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `type` VARCHAR(16) NOT NULL,
    `push` SMALLINT NOT NULL,
    `email` SMALLINT NOT NULL,
    `in_app` SMALLINT NOT NULL,
    `user_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_notificatio_user_id_bcf899` (`user_id`, `type`),
    CONSTRAINT `fk_notifica_users_a1b632bd` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='What differs from the default, which is everything; a row a person and type.';
        CREATE TABLE IF NOT EXISTS `devices` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `token_hash` VARCHAR(64) NOT NULL UNIQUE,
    `token` VARCHAR(2048) NOT NULL,
    `platform` VARCHAR(16) NOT NULL,
    `created_at_ms` BIGINT NOT NULL,
    `session_id` BIGINT NOT NULL,
    `user_id` BIGINT NOT NULL,
    CONSTRAINT `fk_devices_sessions_a55a9913` FOREIGN KEY (`session_id`) REFERENCES `sessions` (`id`) ON DELETE CASCADE,
    CONSTRAINT `fk_devices_users_0fc81c66` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_devices_session_393214` (`session_id`),
    KEY `idx_devices_user_id_415869` (`user_id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='A registration token of Firebase Cloud Messaging, which belongs to the session that brought it last.';
        ALTER TABLE `notifications` ADD `others_count` INT NOT NULL DEFAULT 0;
        ALTER TABLE `notifications` ADD `owed` SMALLINT NOT NULL DEFAULT 0;
        ALTER TABLE `notifications` ADD `withdrawn` SMALLINT NOT NULL DEFAULT 0;
        ALTER TABLE `notifications` ADD `listed` SMALLINT NOT NULL DEFAULT 1;
        ALTER TABLE `notifications` ADD INDEX `idx_notificatio_recipie_fcdc7e` (`recipient_id`, `type`, `target_id`, `listed`);
        ALTER TABLE `notifications` ADD INDEX `idx_notificatio_recipie_4a4c57` (`recipient_id`, `listed`, `sequence`, `read_at_ms`);
        ALTER TABLE `notifications` ADD INDEX `idx_notificatio_post_id_af941b` (`post_id`);
        UPDATE `notifications` n JOIN (SELECT `recipient_id`, `target_id`, MAX(`sequence`) AS newest, COUNT(*) - 1 AS others
    FROM `notifications` WHERE `type` = 'like' GROUP BY `recipient_id`, `target_id`) likes
    ON likes.`recipient_id` = n.`recipient_id` AND likes.`target_id` = n.`target_id`
    SET n.`listed` = (n.`sequence` = likes.newest),
    n.`others_count` = CASE WHEN n.`sequence` = likes.newest THEN likes.others ELSE 0 END
    WHERE n.`type` = 'like';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE `notifications` DROP INDEX `idx_notificatio_post_id_af941b`;
        ALTER TABLE `notifications` DROP INDEX `idx_notificatio_recipie_4a4c57`;
        ALTER TABLE `notifications` DROP INDEX `idx_notificatio_recipie_fcdc7e`;
        ALTER TABLE `notifications` DROP COLUMN `others_count`;
        ALTER TABLE `notifications` DROP COLUMN `owed`;
        ALTER TABLE `notifications` DROP COLUMN `withdrawn`;
        ALTER TABLE `notifications` DROP COLUMN `listed`;
        DROP TABLE IF EXISTS `devices`;
        DROP TABLE IF EXISTS `notification_preferences`;"""


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
    "5APSSxfegK0WY0icAlNUfPAsVG78D17LOfh6JjKM2YVMZ7w4aZJwPcv6idJNDT8kiED4EB"
    "wcWM7tIBhTNI7oUdaB1FItqZmC9Di6UUcmI5br3f9iqh7gCNp3YvPetq+ST4ih6qydILO8"
    "vV9byuxdQuGm/drYJ+nsvuym+EfKUxL78oPlEdXuZM5RGvejB2O9iXPkodpfF8ME4V6nKN"
    "oEjMbkqr1XPU221zhubHs6mJV12TGg2WsEN8GJMcOx1oqUpLMrUmONYA/SH38D0xD31dQ4"
    "4RKjsgdcmmKf9lXVEUJJSvsBbGqbRois3UxwX6gnzYQVDr2A2GgVsG0MocWFa5t2aMTjae"
    "89MiWe9rbeE3mLtexXjcENlyFRxXDc7zoMQ6dTiFpMPb7QAR5/CvtRknedN16HZp5BxEzv"
    "0fB3XOhs9IrPsvG2TT/8vtM7mtvTAREbq2hnrMK6y7foLl+u8jJ23ZMNcZWbsWuXLqv2pU"
    "EkC0zdukiGRBbKuLxlQ1jFamIZUVkwW7cx8bGlaBsMH3vYbvPb23ammv9Ebmm+Ku7XlKre"
    "jm5T+UIpj8wotNK3quo73mHf1SvqkTEWBL1w+cpBb4kQeKYgD/TjMXE5m+lNS6A9C1Wv6U"
    "G3Hnt8NZtL2PIEu1zzrpfafqew1Q12UZmHK3Xe32Knr4kS6Pr1xY+D07On/u41eK6+gRWD"
    "co802/pbrw7Q73prW7xH2PtFVBunH24No2Zvl72CtfVSs1T9B26pfQlrkspew5oyBLKZZT"
    "VgtRHuqJ01ODx5UgFgaFYIsalMWVsullPuLergHKfpINSbN2lt3KsVsRd/Ya5teyTpbOyr"
    "Kf5tNfy6ifw+2X1tDMnUyrHii4gNgHodPambuCalaZss6l/4uJdjTkNxv8yW/ouPq14v5a"
    "2YfxWyDg+NXKIs2eGKSeqaQmVDcnN2aqIPDvtHncAWAaP3mU8yQjBI4TfEdGHs2zlX76kL"
    "1ZhybqPaefdVMm6rBiv9QahPQ5ovw6Pco1JfxRMO2Zz1Cdskh24qs0+aUkbFPNSf7Omflp"
    "rU4cxVtUFCgg4aIMeDCgbI8aDQAIGqpOYFZzLroBu07yC4m/dTLPGdy3EOvsX5z2MknYC4"
    "BNLtXMsSWyBqxYljdJ1JpbCJmFxswawmIaK1ugv8m3IAVZG/R8Xy9ygjfyMlppaSkSCzjp"
    "/mG56lJItl3tVZxbudYySdkRQbvHAcy3kdOCMCC2bmnB5YMnVkb0jQubvzTqrcnHdSfG/e"
    "SebWvJSZWEv8Zmk7w7y7PoPt8ZlHRK27C+M0jRi9ZUeudq0jzyncIZ6jIhdDHiOxiNdH3I"
    "b5WiFsUj6/WvOQpbWnPR8UdHocT/5/wDt4vaZyMu/lePTj1f0yz772Mlb07T/nco4kBbf4"
    "fW70rGe+LvEDNo/p/2tom0H7zu1Y2pSbtexeypVoJofSlFYKNV0NIL3grOGinCa1i/I+Lg"
    "bXE7Wgr/TAMitBWFe6DAi/VdUoL1Ma9jAWa6WiVKL3dTB2wXXSSdNO9cCE6iTcuUyZIJ4s"
    "i+3uqFO78rQnBlW88iSZoZ7Yy9JaubePcu9K/Zcn83R5qbxjqqiqrNMpykHe8JV06a2/KU"
    "S7zp76qXi/mJ0hxAtkkEk1i4TEIF3wVKofVJ+qVux0q38IX2oJfCdyhN2uen2ItPNhrhOf"
    "DGi6s6+keXCyWLjxNcvbv1i8kIQEHQxWWpd5p9aOxEQYIVdzBiIiC/0+LtsXxKP5biu/pn"
    "TpxlGbjV7495CjiQ/eROmvW21f6x4YES5e8JRykr+7vHjJi5F0cNEbnJ5WOQx3elp8Fg7q"
    "UrtE8jI8FCOcn9qhC+geHVbRKVSr4h1QhxmtQvUoc1Os/XL97qrA/xaRpFB26ESi/+k7Qf"
    "YQ7RJwAYzyuGQ6BNk3ycohVB484PljL2Zf/w879oiH"
)

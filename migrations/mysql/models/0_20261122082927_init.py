from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS `users` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `username` VARCHAR(30) NOT NULL,
    `username_key` VARCHAR(60) NOT NULL UNIQUE,
    `email` VARCHAR(254) NOT NULL,
    `email_key` VARCHAR(254) NOT NULL UNIQUE,
    `password_hash` VARCHAR(72) NOT NULL,
    `password_changed_at_ms` BIGINT NOT NULL,
    `full_name` VARCHAR(100) NOT NULL,
    `bio` VARCHAR(500) NOT NULL,
    `website` VARCHAR(200) NOT NULL,
    `avatar_key` VARCHAR(120) NOT NULL,
    `role` VARCHAR(16) NOT NULL,
    `posts_count` INT NOT NULL,
    `followers_count` INT NOT NULL,
    `following_count` INT NOT NULL,
    `created_at_ms` BIGINT NOT NULL
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='`*_key` columns hold the normalised form (NFKC, casefolded) by which names and addresses are unique.';
CREATE TABLE IF NOT EXISTS `sessions` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `refresh_hash` VARCHAR(64) NOT NULL,
    `previous_hash` VARCHAR(64) NOT NULL,
    `rotated_at_ms` BIGINT NOT NULL,
    `user_agent` VARCHAR(200) NOT NULL,
    `address` VARCHAR(45) NOT NULL,
    `created_at_ms` BIGINT NOT NULL,
    `last_used_at_ms` BIGINT NOT NULL,
    `expires_at_ms` BIGINT NOT NULL,
    `revoked_at_ms` BIGINT,
    `user_id` BIGINT NOT NULL,
    CONSTRAINT `fk_sessions_users_0c63f6d3` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_sessions_expires_c99541` (`expires_at_ms`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='Refresh tokens are kept as SHA-256 of their random `jti`; the previous one is kept for the overlap.';
CREATE TABLE IF NOT EXISTS `posts` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `caption` LONGTEXT NOT NULL,
    `likes_count` INT NOT NULL,
    `comments_count` INT NOT NULL,
    `edited_at_ms` BIGINT,
    `author_id` BIGINT NOT NULL,
    CONSTRAINT `fk_posts_users_63d1e9cc` FOREIGN KEY (`author_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_posts_author__f3ea3f` (`author_id`, `id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS `post_images` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `position` SMALLINT NOT NULL,
    `media_key` VARCHAR(100) NOT NULL,
    `width` INT NOT NULL,
    `height` INT NOT NULL,
    `blurhash` VARCHAR(64) NOT NULL,
    `alt_text` VARCHAR(1000) NOT NULL,
    `variants` LONGTEXT NOT NULL,
    `post_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_post_images_post_id_df116e` (`post_id`, `position`),
    CONSTRAINT `fk_post_ima_posts_16fce689` FOREIGN KEY (`post_id`) REFERENCES `posts` (`id`) ON DELETE CASCADE
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='`media_key` is the folder of its renditions in the media store.';
CREATE TABLE IF NOT EXISTS `comments` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `parent_id` BIGINT,
    `content` LONGTEXT NOT NULL,
    `replies_count` INT NOT NULL,
    `author_id` BIGINT NOT NULL,
    `post_id` BIGINT NOT NULL,
    CONSTRAINT `fk_comments_users_01e082d8` FOREIGN KEY (`author_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    CONSTRAINT `fk_comments_posts_06d733fd` FOREIGN KEY (`post_id`) REFERENCES `posts` (`id`) ON DELETE CASCADE,
    KEY `idx_comments_author__a7f639` (`author_id`),
    KEY `idx_comments_post_id_623afa` (`post_id`, `parent_id`, `id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS `likes` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `post_id` BIGINT NOT NULL,
    `user_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_likes_user_id_31fec2` (`user_id`, `post_id`),
    CONSTRAINT `fk_likes_posts_f849e61d` FOREIGN KEY (`post_id`) REFERENCES `posts` (`id`) ON DELETE CASCADE,
    CONSTRAINT `fk_likes_users_a61ca3f4` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_likes_post_id_ef3e7c` (`post_id`, `id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS `follows` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `followee_id` BIGINT NOT NULL,
    `follower_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_follows_followe_7900d3` (`follower_id`, `followee_id`),
    CONSTRAINT `fk_follows_users_27e04be5` FOREIGN KEY (`followee_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    CONSTRAINT `fk_follows_users_f7643bca` FOREIGN KEY (`follower_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_follows_followe_7497cd` (`followee_id`, `follower_id`),
    KEY `idx_follows_followe_1e4087` (`followee_id`, `id`),
    KEY `idx_follows_followe_4f0477` (`follower_id`, `id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;
CREATE TABLE IF NOT EXISTS `inboxes` (
    `last_sequence` BIGINT NOT NULL,
    `user_id` BIGINT NOT NULL PRIMARY KEY,
    CONSTRAINT `fk_inboxes_users_cc009944` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='One row a recipient; its lock puts the notifications of one person into one order.';
CREATE TABLE IF NOT EXISTS `notifications` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `sequence` BIGINT NOT NULL,
    `type` VARCHAR(16) NOT NULL,
    `target_id` BIGINT NOT NULL,
    `post_id` BIGINT,
    `comment_id` BIGINT,
    `read_at_ms` BIGINT,
    `created_at_ms` BIGINT NOT NULL,
    `actor_id` BIGINT NOT NULL,
    `recipient_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_notificatio_recipie_540c8a` (`recipient_id`, `type`, `actor_id`, `target_id`),
    UNIQUE KEY `uid_notificatio_recipie_3f36c4` (`recipient_id`, `sequence`),
    CONSTRAINT `fk_notifica_users_1d656d9e` FOREIGN KEY (`actor_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    CONSTRAINT `fk_notifica_users_3e467cc7` FOREIGN KEY (`recipient_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_notificatio_actor_i_f73a90` (`actor_id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='The unique key makes a repeated act one notification; `target_id` is the post, the comment or the followee.';
CREATE TABLE IF NOT EXISTS `jobs` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `queue` VARCHAR(32) NOT NULL,
    `kind` VARCHAR(64) NOT NULL,
    `payload` LONGTEXT NOT NULL,
    `priority` SMALLINT NOT NULL,
    `state` VARCHAR(12) NOT NULL,
    `run_at_ms` BIGINT NOT NULL,
    `attempts` INT NOT NULL,
    `deaths` INT NOT NULL,
    `lease` VARCHAR(40) NOT NULL,
    `lease_until_ms` BIGINT NOT NULL,
    `progress` LONGTEXT,
    `history` LONGTEXT,
    `created_at_ms` BIGINT NOT NULL,
    `finished_at_ms` BIGINT,
    KEY `idx_jobs_state_7f2953` (`state`, `run_at_ms`),
    KEY `idx_jobs_state_54ff77` (`state`, `lease_until_ms`),
    KEY `idx_jobs_queue_1131b5` (`queue`, `state`, `finished_at_ms`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='`run_at_ms` and `lease_until_ms` are on the clock of the database; `lease` names the claim that holds the job.';
CREATE TABLE IF NOT EXISTS `nodes` (
    `node` SMALLINT NOT NULL PRIMARY KEY,
    `owner` VARCHAR(40) NOT NULL,
    `lease_until_ms` BIGINT NOT NULL,
    `last_ms` BIGINT NOT NULL
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='`last_ms` outlives the lease: the next holder of the number starts after it, whatever its clock says.';
CREATE TABLE IF NOT EXISTS `aerich` (
    `id` INT NOT NULL PRIMARY KEY AUTO_INCREMENT,
    `version` VARCHAR(255) NOT NULL,
    `app` VARCHAR(100) NOT NULL,
    `content` JSON NOT NULL
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        """


MODELS_STATE = (
    "eJztXVtz2zYW/isYPaU7asfRzdnkyfEmrVvX3ondTmfSDg2JkIiKJFQAsqzp+r8vAN6vJm"
    "mJplm8aEQAhwS/c3iuIPj3wCEmstl3vzBEB+/B3wMXOkj8SbQPwQBuNlGrbOBwbquBWzFC"
    "tcA54xQuuGhcQpsh0WQitqB4wzFx5dC7fxlrtL8DC2JvHZcBi9gm4BYCLqEOtDFDJliKv+"
    "DN1eefzodgARlaijHI/AbM92Bn4YUF5AQZgK4JoGlSxJg8oghsXfzXFn0nZ2KShZgKdldt"
    "XtT7a3CyQuLsEsyvf4hm7JroAbHgcLM2lhjZZgJrbMoTqHaD7zeq7SNeXbj8sxorb2lueD"
    "cQjd/suUXckAC7XLaukIso5MiMscHd2rbPrqDJm61o4HSLwmmaUYOJlnBrS2ZKam8GUdvA"
    "MK6ub42bT7eGMcgwOqCIscFvWhBXComYK1MIrOQUvv33aDQen45OxrN308np6fTdyTsxVs"
    "0323X66E0mgss7lQLt4vuLq1s5ISIk0ZNP2fCoaCCHHpXiRgS/lGD1P8OEcwvSfBbEaVKM"
    "EDfYhBFBQ8SJ6ClqgxUOfDBs5K64JQ7HJyUo/3r25fyHsy9vxiffJKG+8ntGqkuCngVZPo"
    "xNgA7oDgP2y0p9AupZFahnxVDPMlAjB2K7DsYhQQ8leTSdVMBXjCoEWPXlIFxXkhNEvRPj"
    "o+C8gYztCDUNCzKrDtYZwh5K9umoAuCno0K8ZVcB3AsLuitkGpAbDqvnmxSf4zD+ykuzoE"
    "WPJWLMUszFqOuiJIjak//BoBXpf3tSxW6KUYXyr/qSOM8xqYOwP7x32E4rYTstwXaaxXaH"
    "5gzzWhIcI+kdxqNKGI9KMB5lMYb3IsahdR2TJFXvkH47qqQpRiWaYpRBmhK7ligH41tEd+"
    "unblpAeFYF4FkxvrOMJ0IYZwK+reckJFEu9j2SVO05HCfH9TZGbyenk3fj2SR0MsKWMt8i"
    "x48gtk12iNaHNodSw5sPr7hiQ3gTlBreNLwLiuSdN4lKMqQ6GKkVjMjU9XIdy57KhjlcrH"
    "dQhHqZHjIiRWOzXc7ISbdAF64UnPK+5YT9asQNYszDKFOoCLqGZbUK5g2qWK74gpYUMQtw"
    "skaul+9fow0HkIGbH86+HU1ngCxlKQFTQKFrEgfc/cnx3QdVXthQdI/JlgHiIoCZR7okVH"
    "WSe0RtuMlWK1q6pi5WdPlpG5YUK6gnILUzYmm6HibEZlUykLPiBOQsm3/0n6f6+cc0Ye+i"
    "qsODTQlvat4zpL1xnlpONMqY0RC2N895La/RRVS9E/XjpGq8dQS18jQRSe8wnkwrQDyZFi"
    "Isu3S00EGNYkPGDaEgGjEih1izojEr0MMGCwXShBEZ0mOxoa8OfdyBvxexXTM3J03aiAs+"
    "xP/sZ0G5LHVD2RiRVkPPyx8lOZFlw2dCEV65P6G9YsWFmDd0F3kllNRC1VfGgsdAxoLW6A"
    "GlcBemX+KiJ+5d3DHinrd4dnN+9p9Pg8eXScj9lzA+yMnGqfZhWSpO1Woq5eGKsXw6i/V1"
    "ALdCWgLoxO8fOrHVzcTWAnoTz/DgFj0U+ekRSS/SWSWY3n76TSHqMPaXPYiFPm9+PvtNRU"
    "XO3u+5vL76PhgeC5XOL68/pn1zvEb1S4Epqt6kWg5XpyKOg9wG9essoQY3E8SYuGFUn6bU"
    "znNT5zlhU6szIEGmHehDOdAerNqFfsqFTohf15zoCwcqWcr1pL3OJ91pA8txVd/Fc4Q+hN"
    "6rcZipArF6643K+jLmDFDkCoUpq+UAu6pfUQDGhVzlvGb3/PPluPNf/RvzVAZh6gSeD69r"
    "1Z1QTGUufciwDBNuHGjbZev4cIFj/6rtxHh0OgsZIA/KIL/5+ezyMmt7w8esTuUoQdSLUK"
    "mFlwF22OQ5Rf9CqQ3H90lkD+a3W8IXseoEQxGBxjMHz7m9pXVXpcRpeqgFDr8kBdrc4Oih"
    "1mKIOE3vyvRCTVbUtKWqNqNr7yHF0OU5EX1x9i9O0wtpbjv9F3Otq7vIcX+8R3r5ZUP4jV"
    "8ueWYAH1RdXhkLqgbwMdHrUvh+7mVtBznBe9A1LAvdg6xvC8Ww+MMLRUDOdV2sE6phWBZE"
    "xxlVQ0/HyXSqu2mqW0yC566GLalKRiTaLWngllC0sXGDumSGThfPXlPhpq+aXfvb2t/uFg"
    "sO5m9nVUunqpBtapRXX4S8xGs0yAlhVPuwLH5R64EOH7x8TSy39UUxXflLhDQ6inlpW1da"
    "CtS2Ty91/wdAr5e6H3upe9qn1p7cK82cfla73uR5HX5Pqd/h7ZlzFM8j2O0oUJveIcr3QO"
    "K90WBFK8Zm+lPN+tWEbqjtMuclzeHKfEgRakva2IlJP5F1WaCdmUM7MwGw2qF5yvqmRPBp"
    "pyZQGxraitCiDjo3F+6cPOT5Nl5HqWuD5ZCqK7mvXQQo2QEIKFrgDUYu/6BWXNtksQabLW"
    "f+5044XuIF9JZgk6XaI2yDKCMuEAATdUyoiWh2cfdxLvGMTci6EdNq18jboYMhgYevhqqz"
    "I0Pam3pd1zdkfCojIR73WyJ+jmxjXvTxOc6L98+yGFcx9ZlnOBL9pfYjoYirWZFbK/iaFV"
    "ijPXDgWn7iSuj7jdoLCQhipb7jp/4A7jikQnsLgMK3fmSuYaj++QubgL//ZGCrs+alxWv/"
    "7v7uysstoGCsuNIezBHwuGqKv0vhXwHo7ufE3AvjRtZsCBhR51Vf/wpOK/fl3NhCbAQPnb"
    "mwcEAYsJK3mEKz6YuSeoIkXxY8rAaFt+PlB9IkoabUbz91Rw2XmcZmVvFlDGJPmBGBHzxg"
    "VVftB+N7sWLr2LvzR5qqlmgnyLRsv651RHo16PtwqXZt8JN0Gv+m+FMEG26cB/XGH4eQf7"
    "2nahfYEI8aaqzijVHpRbzNVVAyLKujhJKU+gE4VCkqRFYXTJ5KZ6WFsMLCXqk2OgVsF9OE"
    "ceXapSrUj2Q+yEklyuZhWQbxTzKvupEQ3bqeVb9TKbI7G0GGjK3Lse01UgSIt+PPQtWLvA"
    "/YAJk4mYuhH3ySOyAnyfyBEDviH+TAIuI+VaOYU86+Q61fvsqLlkx+j0IODmfnJfXC9uQs"
    "vU5x1q3qDEctsYuZFXpNeoFQR1N9IeeqpptCgh7mm8ZVvks9Lv4u9TjzXeq1uK866Abjew"
    "juEb5xBPc2gTn4Fr/hGiPpBcStb7xBMaGY52zh9cS+aDG63hTLD7EpWsxgVtMQIUEv5Df9"
    "veMq+f5i/fs2o38jJ6aWk5Eg09Fu83QP58jZ5G2OVJzriZH0RlMc7DV4E0Fu1YEzItBgZj"
    "7wJCOZOro3JOjd7miTKnujTYp3Rptk9kVLhYm11G+WtjfC23bBlZJV/sf6SnzkGE0jQe9Y"
    "waltH9nCcmPoHBe5GPIYiUa8PuK6uNcJZZPK+dXiQ5ZW17pbW1V9yIXAJhrkLgA2n9iLwx"
    "VNVfP2av29zJCTLbfxvZ/6Vl7De+91DqFpVf7b28RfNanVrkCEz5QzAJdcHGA+BDtLSNO9"
    "OmB+mp3BPctJ17d11We8XOL6MNdJzQQ0/UmpN8/LFOfJyc7Ne9+gOFYICXqYp9HRQq9sR+"
    "ajx40+dqyhf71m+wxRvLDyDLffU2q6YTTmmJsA1yohP7t+7Nutrtu6ZybDig2ecE5Y7gdw"
    "ik1ejKSHRm80nVawemJUodlTfakEuXioaiDsD+8hukf5Dk7hFsg/3lxfFa13L9oC2cQLDv"
    "4HbPya91vKA1eCUZ6SSWdfht5LGTJLGJzg40sbs8f/A1lCnJY="
)

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS `email_suppressions` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `address_hash` VARCHAR(32) NOT NULL,
    `topic` VARCHAR(16) NOT NULL,
    `created_at_ms` BIGINT NOT NULL,
    UNIQUE KEY `uid_email_suppr_address_f9e925` (`address_hash`, `topic`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='Has no user and only a hash of the address, because a suppression outlives the account.';
        CREATE TABLE IF NOT EXISTS `email_tokens` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `purpose` VARCHAR(16) NOT NULL,
    `token_hash` VARCHAR(64) NOT NULL UNIQUE,
    `email` VARCHAR(254) NOT NULL,
    `expires_at_ms` BIGINT NOT NULL,
    `created_at_ms` BIGINT NOT NULL,
    `user_id` BIGINT NOT NULL,
    CONSTRAINT `fk_email_to_users_06aea8d6` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_email_token_expires_a96050` (`expires_at_ms`),
    KEY `idx_email_token_user_id_f73ed9` (`user_id`, `purpose`, `id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='`email` is the address that the token was sent to.';
        ALTER TABLE `users` ADD `email_verified_at_ms` BIGINT;
        ALTER TABLE `users` ADD `pending_email` VARCHAR(254) NOT NULL DEFAULT '';
        ALTER TABLE `users` ADD `pending_email_key` VARCHAR(254) NOT NULL DEFAULT '';
        DROP TABLE IF EXISTS `password_resets`;
        ALTER TABLE `users` ADD INDEX `idx_users_pending_c4043d` (`pending_email_key`);
        UPDATE `users` SET `pending_email` = `email`, `pending_email_key` = `email_key`
    WHERE `email_key` <> CONCAT(`username_key`, '@example.com');
        UPDATE `users` SET `email` = '', `email_key` = CAST(`id` AS CHAR) WHERE `pending_email` <> '';
        UPDATE `users` SET `email_verified_at_ms` = `created_at_ms` WHERE `email` <> '';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        UPDATE `users` u
    JOIN (SELECT MIN(`id`) AS `id` FROM `users` WHERE `email` = '' GROUP BY `pending_email_key`) f ON f.`id` = u.`id`
    LEFT JOIN `users` o ON o.`email_key` = u.`pending_email_key`
    SET u.`email_key` = u.`pending_email_key` WHERE o.`id` IS NULL;
        UPDATE `users` SET `email` = `pending_email` WHERE `email` = '';
        ALTER TABLE `users` DROP INDEX `idx_users_pending_c4043d`;
        ALTER TABLE `users` DROP COLUMN `email_verified_at_ms`;
        ALTER TABLE `users` DROP COLUMN `pending_email`;
        ALTER TABLE `users` DROP COLUMN `pending_email_key`;
        DROP TABLE IF EXISTS `email_tokens`;
        DROP TABLE IF EXISTS `email_suppressions`;
        CREATE TABLE `password_resets` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `token_hash` VARCHAR(64) NOT NULL UNIQUE,
    `expires_at_ms` BIGINT NOT NULL,
    `created_at_ms` BIGINT NOT NULL,
    `user_id` BIGINT NOT NULL,
    CONSTRAINT `fk_password_users_8e31dd81` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_password_re_expires_fca9ee` (`expires_at_ms`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='Using one token deletes all tokens of the user.';"""


MODELS_STATE = (
    "eJztXVtz2ziW/isov3TPltply5dk4yd3JplOby69bffuVCVTEiRCFtoUoAEgK57Z/PfFAX"
    "i/maR1oRg8dMcicAjyA3juOPj30YJ7xJfHf0gibvHEJ0ev0L+PGF7AH/nGATrCy2XcBBdU"
    "QHa00t3MFTyRSuCp0hdn2JdEX/KInAq6VJQz6Dr+j9E9eRyjKfdXCybRnPseUnOCGBcL7N"
    "N/EQ/N9J/6GlZoge+JRPBQEmHmIex5gkipf60Y/eeKHMOgHp/qUSm728L9v7AvbEwWmPpj"
    "RHUf9EAEnVESdR0gLhBZLNXjFbId7fi6sx6VmaGpN0DrOZ3O4SrjIekxumbh3/ZxpKK+j+"
    "ZYfmGKowmJR9OElKHxkjBPv+jIPhHclQiCJNH9sI/MNOh3ekSEKSLM2FK/G+IseBNBHqjU"
    "M6Gfj00FwfCma6rmiGD9dNM5Zne690y/p8XPPtYUC08iOefrY/S/c+oTNJ5hNuIrNeJspG"
    "/jmfc9HSBG1mjJpdJICYBcfWFrQZUCILjG3ff5Wj/jD2hGiCevENCaZyZCD6yfdwGvORN8"
    "YR4er9Scix8k4muGfCqVmW87NSPF74juJPSsf/6HvkyZR74SCT8/H+EHrLCAqTjSbZ+PMs"
    "8Lt6He0T+Abnk/0hD7Xmr9U9PFXB+px6W59jO9e8fUW9MXlt1kZEGK+y8f9fOyiIAyBVfv"
    "CNPTo4iX+CrYyveDrye8ZF9LX1BiRaL38eILHpnhlQ/fFlDbJ4ivHY1GHz/djm7e3I5GR7"
    "nvLqRIfCrBpSln8M3qZ5UGgTt4hJ/+czg8O3sxPDm7fHlx/uLFxcuTl7qved5804tv9mFi"
    "uOytDGjv/vbu4y08ENeMwbILuPDN0OhJslRm2mL4YSWbv3OT8HqORfEUJGkyE6FfsM1EhB"
    "fimYiZ2i6mYoG/jnzC7tRc/zw7qUD5f65/f/3L9e8/np38JQ31x6BlaJoA9DzI5itpAXRI"
    "txmw97vqU1Bf1oH6shzqyxzUhl83wTgi6OFKHl6c18BX9yoF2LQVINx0JaeIereMt4hzqJ"
    "eMsBotZDNRWXaHVsIzQLczC32H0jOek5RW2GT95wh3x22OjnJT0O2Fn8KqKaMpJN4W2DmO"
    "c3hYYynXXHgjbQrNG+GcJeyh+HwxrAH4i2Ep3tBUArc1AFtx9fJ7bMYo2vcU7IWxz/SzjJ"
    "raQSmivTL0baz+05M6yrnuVbr+TVsa5wnlTRAOuvcO24ta2F5UYHuRx3ZNJpKqRis4QdI7"
    "jIe1MB5WYDzMY5zwdjWAOU3VO6RPh7U4xbCCUwxzSAvuN1rKYf8dogvumR0hfFkH4MtyfC"
    "9zmgj4jjV8K6skpFEu1z3SVLtTOE62q20MT89fnL88uzyPlIzoSpVuUaBHhI73xtAWUDp4"
    "i+EF+64dvClKB28WXghUqXZWSY7UGSOtjZEwdthgeSdJ9riuT7qzlgvikGksbxbY98v5RZ"
    "78oHE9G764jCCFH1Vo3ny4fv/eQgpx29l9InQIFyZ4er/GwhvlWviQl/XNNy2Gi+wVzPCd"
    "AQVeBp4wSI94y8WCiD+CeFhpFkVRt0FVPsXMEIzCQFvd1AroP6I2GM8g3C4IvWNIK/gDJL"
    "mN5ZtUCJMTAFF+PTJRkMwwNfIHSYUfJRJE3+iBeAXZFVsZ4umAvovTdztO70LIWw8hB19e"
    "s+WeIHKazzM0H8usRpp/Ub+xElpIvq3p6CcP6oi8vyES1NlSQZ9qr5Tw0vasKdl/JzO9iO"
    "ZI8XvCbG6dVFr0aqkq0c0v1z8NLy5B2mrpSQUSmHl8gcZ/Kjq+MtJ4CYo4X0lIBATJfU+W"
    "CmS3aeQPRPh4mRf2Oxu1TkJfgpO5xL19s8ZyhUDYNdM4cJul62Hc9rJOoPyyPE5+mQ+TBx"
    "9Y8zB5lrB3zv/Ngy24auuFypH2xse3Y0XMCAEtmot8rNXGRkzVu6W+nYii3ZbQKJwYk/QO"
    "4/OLGhCfX5QiDE3Oqd1BjuJjqcDP1moiCojdVLSeCvJ1STUDaZVSnCV11vUzojza3Gun5m"
    "RJt5TR3f9JcL6+/XqX0jORn4a3NuzxX+TRTMU7/dyYTYsSfYr20R7YPHwLF1p4Nf4EBV5H"
    "Lpjk+tMA2LCP0Rivb15f//XN0bf9+OzeQMr9LbiwSt122S6DKs+dTeG3PrGacbl4/7DZ1J"
    "rc8QsXzL3QGksktY2ifxbE3VrdoqFfbbkSSy6Jc7HtnyMNKlxsiWmq7e+JSXroWNt8GqL5"
    "nBp71dJU/Qtpbtyl5nbFbn23prOpOqDOO19PJ6bBWVXOqurMPPTBqrpZLZfiiZSI4o6Dpy"
    "0sGdPUtLN+wSYnERAzxZw48x8RhnJK8yBNIS7aNCFTrDvq5sQ4iK+UTx9IYGTZhMW8MbbF"
    "cQosts9hYCXSLBVf0qm1z1yKZCdY3aDCXMvOXsNwWp8zIs7q7GQ/K9/JfpbbyW4/jQYoRw"
    "Q9hHfzdrFTZLujTe1H7r/zyGLJFWHTR62nlUr9om6VMp/GBJATXlPiaxWRCNhcQG2hRd2d"
    "SU1hZKyVxGQ2I1NlNicwQkGoIvKVQoVCqHuoBbHNRoSGvKTf8P1NCUb9doanj5F+Z6agCJ"
    "LVA6Y+1b8H5m+hCYlRLuCXJrlC45l+KCKW+tkUlLd8gLqJho4zjZs6RmMtL/TqDrdn2Pus"
    "vzDjJQbfcPAN6p76NdZEmG4SP0BG5ywsGDnliwW1L0QVdFhQrbSwO0RnQVYnn4LvGW54T3"
    "3fojMhak0Ic9s5Os9IqnSVcG02kaBJGufzfNLnmfiKm6CcIeuhtrKFjM2QHTZNY0iQOS2l"
    "tbvNypg89rfkawnyMUWr9d2xWoAVAN6++buBbyHlP/3kMv7xw/XfzQpfPAYt7z99/FvYPb"
    "HsX7//9PMBKuf9FKkd0c1/41KVauRxY6Uebkqp1ExrCHb22lUzRnOtz8rEhl+4FdKaJ2dT"
    "cqWv/8knQZvUmqUE3VQiXy8nMTAaJFbTOZEFuQ/bGadGPXRo07gEddEHyPjpQO3Wnf2VR7"
    "xXaIrhZlpDJ0ujHc/pHZgAUHC9bgaGLXLu9jZ14lOu0o6n2D54A4mWIOmFyrZrmebTe9K8"
    "aFGGqje7bTZXUUfb+IS1qLSVJ3Tg5vLYPdpSDctSuorYz8hid7WKnruQU3pXs5WcI3VLub"
    "UZnVQP689Aisx5MTaVuWJhzU+Fy10pyF1JrcEuZa+AMfxuodsqzeVEj8FTNvOIQue6lvNC"
    "S3qcPCcMjsbywG60MRYBxwVAbxlGngyFLb9xhcYPWFCsJyM4k+zXm08fzfFYcTUOUzaswJ"
    "be5ciFySwWLMuVuDRD5VJZPh9Fj+ms4f3KoYptCOHs5SahuoRhkq5PcqltKcOkrI+XfQ7U"
    "8tBQiqgXXoYdVPxfU08VhDlLV23Uv09LdmOWgmb8d/MmfoSYwOFZgOfEX4mmcfgkTQ+5wO"
    "bDw9hXI0W+NgrDJ2l6V+REs8manLaS1eZ4bagzNnGcJ2l6sZp37TlP6Nn1VeSkct4jvrxf"
    "lwGAugGHQSqAe2DzUNdhkFh/XXIXfAANu9RVkGgdVLkJjJ5ez0Hw22qijeo5ZF0u+IOJdg"
    "u+hiO0xwlnw3iAVsxLnvNNIbczYeJDAmnCZIcKnthY/aLg5PRdDApB91uTZGpPZw+8Dks6"
    "VSvop/8zZ6nrMXxIMh3rr0KtrLdhDBXvH8fH6NYcqW7yXvVasl4MRW29cfh7tfQ5rltZ/P"
    "MRX7NUaVE4Ltz5HzrBVQcV/ge7MpoobzFFLzSKbW/2cPrxjvTjQ/L6HPIpjwfg8zmUHIeD"
    "cPgcCpiH4+052OLNzgWxDxeE4BqIhYbUa1atKkPn1veT6zuEzCOqYUmlPGXv4B5e1KnerH"
    "tVVFbK1W9OWo31bcAklfOwbcrDZlDdgIvte8jJSa7ALvnYXtvM4lIvW6p9UOVnC3OUa7na"
    "yvGt4zpK+sux0IO6XRyd4BWDCr9RaqIahEaSZC6btW02a1CsoIkeniBxangLNVyQpU9b7K"
    "LJ0TnL/ZBys/vK2V2Iu3sKuAtxby7Enecv3bNsdslbDn6zwXt6X77PIG4cVNk0Zkfr5g2a"
    "dPn/YGXms/ETa9ZZNvuWf5UZ+U4eutLS3wH0FaqIKy29udLSWWXbqXiHnMX4lvs+X5dqIs"
    "nmSl1kZjpuRRuxt45Zqf1JirWSZGvc2dCaHL5Me+ayK7jTDVZepdBkZ7j2PGQInXRtrdhk"
    "v8imU+AUnE0rOCGwTsmpJYwz6/BpRSfkHQ7fJviSDio8HzlU155iVXU+Sb5TpfLDEt1rVn"
    "uA7Qp2VqGQN1rge7u3gixN0U0E9cQfqHqEooEoef9jNFZYaP0orOiNTa3Dgf43iHEjLvQP"
    "0OPz2zl2Myxs6KBspAF7hU7CEuGCTOkSipkjj3pwb7TGcCrlHEpO6E8kLC2hqa7CMuXwL0"
    "P6luGxKKZkuim9yPQkmENW9GiS6BfSHx1M9mISlkCPBvxBpl4lOCETtpXIOV+z1MAf/3j/"
    "Hs24iEeDopBQzAIKO56GL2OqWwB1VFH9KtxoYrxy8MMiZA+CgQZG1gQQW8+5JGhsb24DaW"
    "NbRVKmRxXELCI7cFyLPZojKLa+Yh6UlTTbXwAwzX0epanTbl7STizs3klRUoMIPBGME8L5"
    "Ck6rMR0n1NTuMPUug1b0429/3PwyQG8+XL97/xcUlY+3yOqlozEDcv3WUC1Ej/gnn+ibB3"
    "bPIFwm+u9XaOlr5hFOVnweji3aybxoSS3wo26MinrOqJAVR+JEEx6wHcN44WucqsgHHC1i"
    "q/dnScKVVGBZZLvaNZEmKrpl3A+2KsXFr6qpwmePn7d4yIQNk7AwY6ydHdNVOyY5hfUnIU"
    "nlEk7aGjBWOOWRry5SE1PtznA5zeJ++mysN1GTJmRPdROKw/69yNXZ+kHDSZ5fnzWkyJxp"
    "fVgZJI4tv0qpLY3AT9M5/NviH+uXTcRiTPXdi8XIYmuKYYrwoAsNbwLGpGmcR7J8H02G7K"
    "Bx3FxZ98C6b7okk3QHjeRmPmzcquR1ms5JptaawQEcY/QdTEPSk9Ygsz1B5RLb22Kf9RA2"
    "YUJpSvcBbCrsGiHr4oK14oLZlVgj2R14R/fQ7WSue4LNdini+o5N+NfyQ6Hj1kHlWdDQr2"
    "4t/U/MRsOWRMRhwGP0Tknk8+k9RBQp9um/wkOWzVFuEqraQdyzNHCYj6duc6BnnJjcjcxj"
    "F+Q58rFUo3aRnhxpb3Zadv3wzafyxvVHf8v1/3Yhevb6DW0sZ3w76Tu/CTIjAj6PWok82e"
    "6V4ibJjkfLiLKF/AFwTFKDSXIxeRMenc0gS2Um+MLIhWDmIDeETueQnkEeiHgMcy+q5c6m"
    "BnhqK5hZ1tm8CJdd0E3B4wK0WwzQLldFdfmeOOFmVViXb5cxku4dbUMWhYXJqpGMiByU/U"
    "hp6R6Y3bCf9s1Fu+Bhczs3t6SF78z981fyQCs09GRzpUbumY41FfBrJMgdhV5wBSl+Txhk"
    "NL+lgkywJOi1z1ce+kCkxHca/FAxnhCfszvjoDFHGeh2Q29zqeGO2g7wEFUIzPO8Xr6jcc"
    "MTE+z9qQxz+iePuotEN79c/zS8uIwTqzUdBY8UuzM55JhpewGZ5Yyw2bd5jK6RBThITw+f"
    "AFK6ie7oIW0VyC+McQSaTPlhjs4+6AxbrbQPYOWMmhaYTlNtxlbY72RsuQSvAawxwj01xI"
    "Yn5y9rAAzdyovumsaMOeZjNeNi0QTnJE0Pod68zesyMDqSBRAqA+3SkfLUbjJaT0agJDW2"
    "FNN0LiWmLf5dNdP7ifzBWekHGSor4C8bQPbG3qnn4Kb5apecIL/ySakHJGobVLk//uSTmr"
    "6PsVgxK96DYxd9giUZrZiivr0oCALD0Dgk4IzEq6DPGFGPMLOfO8hX8TFdWC/EnOv3NBdh"
    "X3fO8bGrQesU4NcdVgZNONvPfhSCckGVORYtelC7azrqk35g25i/04wyKueR/uR2V3fUvx"
    "HNXF2DMCLooTV4NqxhDZ4NS61BaEprXvf6vZqgG/bvIbhbOLcJP8JZtXl8y49DSJD0AuIK"
    "SLd0KlksIBpF9RN0vcnP20QENSEw63GIWFb3Yf1mvHF1+O9pOf89zfHfWIlppGSkyJzjp/"
    "0+KKXgRPIC9Ms3QSVIesMpNrdJVWA5b7zhN0PlYM1t6AebpgkXjgh6d97jeZ2zo8/Lj44+"
    "z50cnTEYGzHiPG1vFu+uq7UIfieIbHSIb5Km1ULv2J7sXWvLcyoVFwXKcjnkCRKHeHPEXf"
    "S1E8wm4/1rNA95WlcOYmdbujbnyf9v8BPegLFa6tDPdhlU+fWN37GmZ/9nrubGdy7z7vS8"
    "S/7J3s/I3jP/NtArw/69SxnblGu16mjalWzHcbKUjt+05ft233Y78ZsldeL3ENn+zVSL7p"
    "VfzvTTHSpZvgy61o3nMq1VjxLxVSqzkVSqEPYeIAVAhtXM9U2ZhILfYRo5ZZIIVRXC3d44"
    "TtJ0J85ULmnS89+MzeVpHZ87RD73Uf9TsZveq7d33qvN20yVC2A2ciUeaHjMg3GPvQpOTf"
    "hq80CIgMMNgLPYoxCo2c2ul9KD+SHR1FZcwY8FdVq2NA7swxkLvaTX+vXG9qgHysDilkQO"
    "EJ4KLmVwV30/idbE92GvjTl9Bj1gf0XsfhwoBxOdqQD1bKmCEw/CIyYwHJRBvrCIH0M3Qc"
    "CnQrwBMudVwJkWGmfqc3hSH85SgMe1x04k+fSz9+7ABDeNlIY0/clwaR8mLWfBfM2KMinL"
    "xV1E0MOwqXPZ90rCpSbCsuOGMxATOeifsYPEiquGmQMJqv2C//yCwN+PNmcSw/UUVB52lu"
    "9Uqd3RRPd6Sl5QrOgYjcmST+fjqAzeGk73MuWJQrWGxlrNFRoviEfxyPwMjx2DHAo4E2qm"
    "rxlScyaU1dhKyyTtZuQNb4Z+onBHz9KFt6FMmTlvokxFBD1Upja/I3RC7nArX0GG0Mny1r"
    "I8zaaaLPU85Z7XfMesho4I8Gsi6HReJLWDlkpRjeM+Gz2T/Tli7dkSLRBOXRdoz8zhK5dq"
    "D0QUbwos/9gTJD2UbMOLizpVJS4uyotKQFsmw7eollo5wsVF1PqA7ulJHX6qe5VrDic5P4"
    "weURVWzf/15tPHkjhqTJJB2aNThf7PHMl7gGhXgAtgwJ3LM8mySWMDexAdJDeGN/h538Ls"
    "2/8DtjYYWw=="
)

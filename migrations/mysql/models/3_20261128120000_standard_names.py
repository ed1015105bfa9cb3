from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE `users` RENAME COLUMN `pulled` TO `fan_out_on_read`,
            RENAME INDEX `idx_users_pulled_d9067b` TO `idx_users_fan_out_f7c822`;
        ALTER TABLE `jobs` RENAME COLUMN `deaths` TO `crash_count`;
        UPDATE `jobs` SET `queue` = 'email' WHERE `queue` = 'mail';
        UPDATE `queues` SET `name` = 'email' WHERE `name` = 'mail';
        UPDATE `jobs` SET `kind` = 'email.notification' WHERE `kind` = 'mail.notification';
        UPDATE `jobs` SET `kind` = 'email.password_reset' WHERE `kind` = 'mail.reset';
        UPDATE `jobs` SET `kind` = 'email.password_changed' WHERE `kind` = 'mail.password_changed';
        UPDATE `jobs` SET `kind` = 'email.address_changed' WHERE `kind` = 'mail.address_changed';
        UPDATE `jobs` SET `kind` = 'notify.retract_comments' WHERE `kind` = 'notify.withdraw';
        ALTER TABLE `notifications` RENAME COLUMN `withdrawn` TO `retracted`,
            RENAME COLUMN `owed` TO `channels`,
            MODIFY COLUMN `sequence` BIGINT,
            ADD COLUMN `in_app` SMALLINT NOT NULL DEFAULT 1,
            DROP INDEX `idx_notificatio_recipie_685ff6`,
            ADD INDEX `idx_notificatio_recipie_c71e90` (`recipient_id`, `type`, `target_id`, `listed`, `sequence`, `id`);
        UPDATE `notifications` SET `in_app` = 0, `sequence` = NULL WHERE `sequence` < 0;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE `users` RENAME COLUMN `fan_out_on_read` TO `pulled`,
            RENAME INDEX `idx_users_fan_out_f7c822` TO `idx_users_pulled_d9067b`;
        ALTER TABLE `jobs` RENAME COLUMN `crash_count` TO `deaths`;
        UPDATE `jobs` SET `queue` = 'mail' WHERE `queue` = 'email';
        UPDATE `queues` SET `name` = 'mail' WHERE `name` = 'email';
        UPDATE `jobs` SET `kind` = 'mail.notification' WHERE `kind` = 'email.notification';
        UPDATE `jobs` SET `kind` = 'mail.reset' WHERE `kind` = 'email.password_reset';
        UPDATE `jobs` SET `kind` = 'mail.password_changed' WHERE `kind` = 'email.password_changed';
        UPDATE `jobs` SET `kind` = 'mail.address_changed' WHERE `kind` = 'email.address_changed';
        UPDATE `jobs` SET `kind` = 'notify.withdraw' WHERE `kind` = 'notify.retract_comments';
        UPDATE `notifications` SET `sequence` = -`id` WHERE `in_app` = 0;
        ALTER TABLE `notifications` RENAME COLUMN `retracted` TO `withdrawn`,
            RENAME COLUMN `channels` TO `owed`,
            MODIFY COLUMN `sequence` BIGINT NOT NULL,
            DROP COLUMN `in_app`,
            DROP INDEX `idx_notificatio_recipie_c71e90`,
            ADD INDEX `idx_notificatio_recipie_685ff6` (`recipient_id`, `type`, `target_id`, `listed`, `sequence`);"""


MODELS_STATE = (
    "eJztXVtz2zYW/isYvTTdUT22fEk2eXLSpHWb28bubmfijgSJkIWaAlQAsuLt5r8vDkCKd5"
    "qkZZli8BJHBA4Jfjg8ODcc/N2bc4/4cu83ScQFHvuk9xz93WN4Dv/JNvZRDy8WURNcUAFZ"
    "b6m7mSt4LJXAE6UvTrEvib7kETkRdKEoZ9B19I/hNbkdoQn3l3Mm0Yz7HlIzghgXc+xTST"
    "w01f9FT96/+fVVH02wJFPdh3jfo/EtWs3oZIZglBJh5iHseYJICb8EQUtG/1qSPRiJxyd6"
    "KJRdbeuhl+ySjQS5oVK/6QhRNhEEQ58VVTNEboi4RZMZZlcE8am+JVYI6wcJD8kZX8k99J"
    "8Z9QkaTTEb8qUacjbUN/D0nSQ66CNGVmjBpbLPZFxdspWgShGGFNeD932+0pPwHZoS4skX"
    "CGj1bzQnQj9Rv+tcDwlNBZ+bF8dLNePiO4n4iiENgDKg2VcZKn5FdCehofv8h75MmUe+EA"
    "k/P/fwDVZYAJ493fa5lxov3IZ6vT+AbnE9nFLiewnOoqaLuT5Utwtz7SW9OmPqjekLczce"
    "2pmK+i9u9XjZmoAyBVevCCMCK+LF+I0tfT/gy/CSfS19QYklWb+PF13wyBQvfeBaoLYjiK"
    "71hsP3Hy6G568vhsNehqNDihi/BZcmnMHXoMcqDQJXMIQf/jkYHB4+Hewfnjw7Pnr69PjZ"
    "/jPd14w32/T0qx1MBJe9lQHt7Kez9xcwIK4/OfshwoWvhkZPkqUy0xbBD5+q+X9mEl7NsM"
    "ifgjhNaiL0CzaZiPBCNBORuNjGVMzxl6FP2JWa6Z+H+yUo//v006ufTz89Odz/Pgn1+6Bl"
    "YJoA9CzI5itpAHRItxmwH5frE1CfVIH6pBjqkwzUZI6pXwfjNUEHOXlwfFQBX92rEGDTlo"
    "NwXU5OEHWOjR8E5wWWcsWFN5xhOauDdYawg5z9dFAB8KeDQryhqQBuq5R5Q6yGc1lPNym+"
    "x2b0lceegi1qLNHETPVYhnVVlATR9vi/19sK9x/sV1k3da9C/jdtSZzHlNdBOOjeOWyPK2"
    "F7XILtcRbbFRlLqmpxcIykcxgPKmE8KMF4kMU4ZojWgDlJ1TmkDwaVJMWgRFIMMkgL7tdi"
    "5bD/FtEFy2lLCJ9UAfikGN+TjCYCbh0N39IqCUmUi3WPJNX2FI79h9U2BgdHT4+eHZ4crZ"
    "WM9ZUy3SJHjwh9YrWhzaF08ObDq5/YEN4EpYM3DS94j1UzqyRD6oyRxsZI6NCvwd5xkkfk"
    "6/328HJOiCCJ5fkc+36xvMiS7zSuh4OnJ2tI4UcZmufvTt++tZBCSGV6HfPqw4UxnlyvsP"
    "CGmRY+4EV9s03zwTx9BTN8ZUCBl4ERBjHBcyKBvQtjhon2flnYUNqeFSOHn8hUEDlDil8T"
    "ZsNg12ShEJbo/OfTHwbHJxBYUzNCBRKYeXyORn8qOnphAl4L+Cz5UiLOCITUDOmUC9PIb4"
    "jw8SIbONzSM6vE3UDDHVIXX2vFAlEcXxOWY2o7cdN0HfThnlRxmp8U+8xPsi7z4AOr7zJP"
    "E3bOEbB5sAVXTTXSDGln9P0tq6NmEdDLcp69VR5Wjqg6x+oP4120OT61XIsRSecwPjquAP"
    "HRcSHC0OQM3BZKFB9LNdQCotFE5BC7qWg8FeTLgmoB0mQiMqQPNQ1dVegTHh9t7DVTc9Kk"
    "jWYhgPibnoSYsVsd/hiRk0K1oM94lpIzkZ2GN1wQesV+JbdmKs70uDGb5AX98hLJd2wevo"
    "aMFl6NPkGBV2sXTJz/NAD6tYmyGuPp+avTH1/3vj6Ov+5jkKT0iUiiCr12Ob36Zb67deqT"
    "AIKKLrwfDSYeWs0IQ1SBTwy0h77Nkce+jzj4v2TgVENSjxF6iKxn7n63utvh5vxr7fSvGU"
    "9sbX9Pkqpz+aibd/Y4XbQNapCzkVsxDU4bddpoa+Zhx7XRM4/MF1wRNrnV81WojuZ1K9VH"
    "aUQAyZ0VFVLNKkSAGkmZ0RJ1dyY1hW4OFUcynZKJ6iPJ9U+swlgugx2d0EEQo3LypbJhXb"
    "iUVVcf6kFm16l+X6PbmL2iZnMpR1hegzYc3FtoKmL2rgYXNMkLNJrq0RGx0INUIS00jrl3"
    "u4dGehHXnKt5yLTZ26zM2C7ZCks0xx7R3fSLrIiAzbVmf+xU2eHC7znV7wNP1fRzKqV+nF"
    "XYbXScT4iUCG51TX3fgjMmakUIc1p668V0mZYecmQdHT1O4zT0OzX02LdbB+UUmUszqBL5"
    "DgVhXXdwjMzpgI3Vb7vAZLG/IF8KkI8oGvH33R74x9D48gC8eP27gW8u5V9+nI2fvDv93X"
    "D4/DZoefvh/U9h9xjbv3r74eUOWp3dXFJbkuH5kUt1Ntdtxd7iZI9SzRw2qgwpdK5aImZO"
    "PIptxZZA8TTFWATop1RJJAjzKPSWoTptKJBU2hDMqf5y//vlaKKfgxez0p1LcwObl5nI21"
    "w/3OVstlVbXc9eZhLKE9PjdF1a35smqMcXkYjtayinCaIOqqYPso97RT2VY2gVcu26f5dY"
    "dmN7VWaEXs3q7GaLCByeOXiO/aWo6wmI03RQCmzeQMXazFTaGqoDcpymc+mqWkxWlLSloj"
    "Yja2+woJipHKuo2BiN03SCm7dtj8b07Ooqclw575BcftzwG4C6gfAbWI9dD7/F+K9N4bcI"
    "+gKrvqJBX9GUP0VekKcFRGB9z6jnEYZMfGtCoLrqKOhinUYjGzBS+Bp6LbBQyNfcIfpgmi"
    "8omRCZtfAf5jGpiq5Xgq/Kqrnqp0IlV2a9Cn1kihtABhplE3/pEe85muDJjEikiO/DkKgK"
    "SsuaMN+qcm7a554t3+q2g7ZCYPZLXAsTvMj3LBTrCzESpy40UBd8ek3q13xJUXVmg+LmCp"
    "Lw+ZywBoWKsoQO3MzWH482jLikKR9oy0lHdV1X6mXDjJxQsupxcobUsXLjiHlcPaw+Awky"
    "ZzVvymq2sG7Abv4W0lYTPNgmy/mVVWMKjedEe7/Mfg4VokomdDHAVezEuBcMC/1QZzK2Ql"
    "r0y6LR8Ymq4fCMk7mls/GWG85UbnmVEoM9InEGewODXZCFTxuY7Bk6Z1fukiLYVcnuAlft"
    "U8Fd4GpzgausfGmfabNN2bLzls1bel2c6Rs19stsGuM+37xBkyh7GnJmNsc2xrPOsnns9a"
    "80z9ath24L+zcAvdvCvpUt7Gll26l4u5yb9MacC1KoicSbS3URe77Ig2gj4ckwoSi1P0m+"
    "VhJvjTob2j/MycnJ9tRll93TDlFeptCkZ7jyPKQI3eraWLFJf5F1p8ApOJtWcEJgnZJTaT"
    "FO8eHdik4oOxy+dfAlLVR43nNFp3SCVdlxOtlOpcoPi3WvmKR9MSPIziqUBUJzfA11fJAg"
    "C7OZH0GZohuqbk1Fovj999BIYaH1o7BGEDb51339N4hxIy70j/wKntt5rEnipmyoETN99x"
    "ENSiKRCV1Q6LzCDJ7H4DmmAhJsEtcfSrgZXJM+R3I5mcHo+ArNsNSd0UgSPXb9fY1MKrl+"
    "2A2RUWmmSwb54UzPj34BH+op+VTq55hRHISjgGsmbXxdYOm56W5+QU64bgbfGgwMr7Pb7Z"
    "1sCvvI1jm1UbCRfir8jY1D7qFT/bKGB+KoXhOykHb7u36nJ6N1l9H3UQ0qOxlQtsmWWNXT"
    "AKPS9xyFbzcCPC4ZRmNqDzf6+Nv5z2Zkr9+dnr0NXzTobqo92cnUg9G9AUz9YrADXz/lTz"
    "7eQ2CCmRuEswnHLi18/Y3rD2g+1q/Uv2RjMsF6guHewDu3aEzWmwCmVEhVvG9/PfOBSDBC"
    "Eb6UiVr7Z9cMZnXyNEk49Tlaf7qrnaskUd4to35wyFmUBVdOFY49Gm/+I2P2Rcz6CwAeOh"
    "vjsRXaYhsjPoXVJyFO5ZJBmhoXdt3IIl9eFiKi2p5RcZDG/eDeWG+iCkQonpLwldRpDvp3"
    "Io/moc+NTsj86qIhQebM3t3K7nBi+XlCbakFfpLO4d8U/0i/rLMsRlTf/LK4trXqYpgg3O"
    "kdR5uAMW75ZpEsBDFNttM4bm5/Z2DP12XJON1OI7mZDxs3PDkMu41v7sCMrkxD3JNWI+s8"
    "RuWSzptin/YQ1hFCSUr3AWwqJLpG1sXsKsXs0pxYIREdZEf70G1lHnpMzLYpGnrGxvxL8Y"
    "EwUWu/9BwY6Fe10vQHZs80WRARxQP30JmSyOeTa4jpUezT/wZxPVvwSf+fm5jkmuI7mYhP"
    "5hSoesgH3eOUlHZkBbsgjz1Iu1mkJ0PamV2QbS+4f1dOt/7oL7j+ZxtLz6N+QxvL536Y1J"
    "qPgkyJgM+jUpJNunvpchMXx8PFmrLB+gPg2JqEkHpisi88Op1CAcGp4HOzLgQz14/KBkaV"
    "CBnxy9edTT3grm1ahq3TeREuu6CdC48L0D5ggHaxzKt7fseZEsvcuufbjJG07zAJMsfUr4"
    "vkmshB2Y2UlvaB2Q776bGlaBs8bG5X5a4fDPwjuaElGnq8uVQj90zHyvXJBbmi0MucxKs4"
    "lAPnU/SGCjLGkqBXPl966B2REl9p8EPFeEx8zq6MgwbUZqnbDb3NmYY7ajvAg6RpMM/zCp"
    "Zv5bmQ/A5p9vb+WpsP8u1N7XGJzn8+/WFwfNJHYTK1TfKGR5gzfDHT9gIy7Iyw2VMJueQW"
    "YDhkWEYjgDRuojt6SFsF8pIxjkCTIfd2UTn74HHtA+Cc2kf5JqncYb4pSyF7gI8BrDbCHT"
    "XEBvtHzyoADN0KIbaNKXPMx2rKxbwOznGaDkK9eZvXZWC0JAsgVAaapSNlqd1kNJ6MQEmq"
    "bSkm6VxKTFP822qmdxP5nbPSdzJUliNfNoDsub1Tx8FNytU2OUF+4eNCD8i6rV/m/viTj6"
    "sesy6WLDgMzW4k9wmWZLhkivr2oiCI2y3wE5Olwu1WbjAWwUnxIiAZIRhpkLniYzq3/ogZ"
    "129sLsKu7owLZPuPr1IwX3dYGoT1l6LshyIoF1SZI6nXQ7Y7qdd9kkO3jdk7TSmjcrbWqd"
    "yO65b6PNYzV9VIXBN00EI8HFSwEA8HhRYiNCW1sWv9XnXQDft3ENzNO5IW+NbnOAff4uML"
    "YiSdgLgE0oc5nji2QNSK9MfoOpOzt4moamzBrCYhorW6C/yb8tBVkb8HxfL3ICN/IyWmlp"
    "KRIHPOoOZ7o5Qi80XeEfLFG6NiJJ2RFJvbuCqwnNU/lTRJ5WDNbPIHm6aOFF4TbE8K93pb"
    "kcFH+xVk8NF+oQyGphxwI4OxliDO0naGebddwUXwK0FkDv4l2nKMphGjt2yf9ra15RmVio"
    "scZbkY8hiJQ7w+4i4i2wphk/L+1ZqHLK0rEbG1bV6b8+7/C/yE52CsFjr50136Zb5+43es"
    "6O1/ydUMKQqO8rsc61lffV3ie+T7mb81tM6wf+eSzDbleC07aHYpm8mjNKWTRk1XBbvTu9"
    "ninCZ1i/MuLgrnE72wL/3iJSHZoXRBkEHXqhFgpnXuYSwOS2WpbLcFx+cc6pwHtdH1E5iE"
    "muJhFjplkghVFvfd0kPdGtSe+FTxGpRkhnoCMEvrJOAuSsD3+k/Jznyv2j58r7LUMxUzQP"
    "LwpfJpeGiDcas9D85d+GLzR4gIpZE9eABJhUHO4KnSP6jZJ68Z68b8kIH8kvg2pwLM1p56"
    "H7mnQawbxQxpupN90jyEWSzm+IrlZT4WLylrgg6GNJ07vVOrSGIirJCrOQMRkYN+FxfwUy"
    "LoZJa3egctpUs3jvps9LTO++wwvXeqZbButX2tu2e0uHjB08pJfkp68ZIXI+ngojc4Pq6y"
    "p/H4uHhLI7SlcknyKnkUI5xfwqML6B7sV9EpdK/iPKn9jFahn6hya7b+cv7hfYFPLiJJoe"
    "zRiUL/Mye37SDaJeACGOUxy3R4sm+PQYEweniDl4+9mH39P5VaAQY="
)

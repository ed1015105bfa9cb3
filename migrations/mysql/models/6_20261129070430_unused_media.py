from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS `media` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `status` VARCHAR(16) NOT NULL,
    `alt_text` VARCHAR(1000) NOT NULL,
    `media_key` VARCHAR(100) NOT NULL,
    `width` INT NOT NULL,
    `height` INT NOT NULL,
    `blurhash` VARCHAR(64) NOT NULL,
    `variants` LONGTEXT NOT NULL,
    `problem_code` VARCHAR(64) NOT NULL,
    `problem_detail` VARCHAR(255) NOT NULL,
    `owner_id` BIGINT NOT NULL,
    CONSTRAINT `fk_media_users_c75ff5a0` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_media_owner_i_7faabf` (`owner_id`, `id`),
    KEY `idx_media_media_k_866c05` (`media_key`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='Publishing moves a row to `post_images`, under the same id. `media_key` and `variants` are as there.';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS `media`;"""


MODELS_STATE = (
    "eJztXVtz2ziW/isov3T3ltply5dk4yd3pjPtnsTJtJPdqUqmJEiELLQpQANAVjyz+e+LA/"
    "B+M0lLMsXgoTsWgUOCHw4Pzg0H/zlYcI/48vCTJOIjnvjk4BX6zwHDC/gj3zhAB3i5jJvg"
    "ggrIDla6m7mCJ1IJPFX64gz7kuhLHpFTQZeKcgZdx/81uiMPYzTl/mrBJJpz30NqThDjYo"
    "F9+m/ioZn+E/14/eZvrwdoiiWZ6T7E+0l3wwot8B2RCMYpEWYewp4niJT614rRf63IIYzD"
    "41M9EMpud/PIL+wLGwtyT6V+yzGibCoIhvY1VXNE8HSOpnPMbgniM4SDgdh7T7HwJJJzvj"
    "5E/zunPkHjGWYjvlIjzkb6Np6+n0THA8TIGi25VHoMAsauvrC1oEoRfSeuX8D3+VpPww9o"
    "RognLxDQ6t9oQYR+sH7fhR4Ymgm+MC+PV2rOxQ8S8TVDPpXKAGdfaKT4LdGdhIbv8z/1Zc"
    "o88pVI+Pn5AN9jhQVgeqDbPh9kxgu3od7BP4FueTeaUeJ7Kd6ipou5PlIPS3PtF3p7xdQb"
    "0xfmbzKyIMX9lw96vCwioEzB1VvCiMCKeAmOYyvfDzgzvGRfS19QYkWi9/HiCx6Z4ZUPfA"
    "vUdgTxtYPR6Pr9x9HNrx9Ho4McT4cUCZ4LLk05g+9Bj1UaBG5hCD//93B4cvJieHRy/vLs"
    "9MWLs5dHL3VfM95804tvdjAxXPZWBrSrv15df4QBcf3R2U8RLnwzNHqSLJWZthh++FjN37"
    "lJeD3HongKkjSZidAv2GYiwgvxTMQCYxdTscBfRz5ht2quf54cVaD8P5d/vP7t8o8fT45+"
    "SkN9HbQMTROAngfZfCUtgA7pNgP283J9CurzOlCfl0N9noOaLDD1m2AcEfSQk4dnpzXw1b"
    "1KATZtBQg35eQUUe/YeCs4L7GUay680RzLeROsc4Q95OwXwxqAvxiW4g1NJXBb3cwbYTVa"
    "yGa6Sfk9NqOvPPcU7FBjiSdmpscyaqqipIh2x/8HBzvh/uOjOuum7lXK/6YtjfOE8iYIB9"
    "17h+1ZLWzPKrA9y2O7JhNJVSMOTpD0DuNhLYyHFRgP8xgnDNEGMKepeof08bCWpBhWSIph"
    "DmnB/UasHPbfIbpgOe0I4fM6AJ+X43ue00TAraPhW1klIY1yue6RptqdwnG0XW1jeHz64v"
    "TlyflppGREV6p0iwI9IvSJNYa2gNLBWwyvfmJLeFOUDt4svOBDVu2skhypM0ZaGyOhW78B"
    "eydJnpGvj7rDywUhgjSWNwvs++XyIk++17ieDF+cR5DCjyo0b95dvn1rIYWQyuwu4dWHCx"
    "M8vVtj4Y1yLXzIy/rmmxbDRfYKZvjWgAIvAyMMooJvuFgQ8SlwVZcGD4u6DarCiDNDMAp9"
    "4HUjitB/RG2cjEEkTBB6y5BW8AdIchtmM+E+fU8bgNNPJppJEJ6a9QdJhR8kEkTf6J54BR"
    "HErTzi8VibC6F1O4Tmojtbj+4EX14zdk8QOc3nCZqPFVYjLb+o31gJLSTf1nT0UwZ1ZL2/"
    "IRLU2dKFPtVeucJL27Pmyv4HmWkmmiPF7wizaS9S6aVXr6oS3fx2+fPw7BxWW716UoEEZh"
    "5foPGfio4vzGq8BEWcryTijMDKfUeWCtZu08jvifDxMr/Y7+ypdXJtEpLM5dQ8t2gsVwiE"
    "5ZnGgdssXQ/jtud1AuXn5XHy83yYPPjAmofJs4S9c/5vHmzBVVsvVI60Nz6+HStiZhHQS3"
    "ORj7Xa2Iipesfq24ko2szeRuHEmKR3GJ+e1YD49KwUYWhyTu0OShQfSwV+tlYTUUDspqL1"
    "VJCvS6oFSJuJyJE66/oJUR5t7rVTc7KkrWYhgPi7ngTn63te71J6JvLT8MaGPf5GHsxUXO"
    "lxYzYtSvQp2j62Z/PwLWS08Gr8CQq8jlwwSf7TANiwj9EYL29eX/7l14Nvz+Oz+xAkJv9B"
    "JFGlnruCXoMq/12U7gzOXVXTjfdJapyNN8y41ILQmETY90Mnm3WnIcAy75BrQe9Ca10WPI"
    "MKT5qZ0MaenTRV/8JqG3frOK2zCwqPs4Y7MQ1O73R6Z2fmYc/1ziuPLJZcETZ90PNVqngW"
    "davUPGlMANkzNVVPzSpEQBoWZUZB1N2Z1BS6OdQZyWxGpsqkcTFCQVtE5CuFMgtQvIGvbG"
    "IXh4a8arrh+5s6EvrtjCYzRvqdmaIaeGn6TH2qfw/M30ITElOMAn5pkgs0nulBEbHUY1NQ"
    "7OIeij8YOs40buoQjfWyrXk1TGSz91l/YSZ9bY0lChYV3VO/xpoI003ie4h9zxQRwe0WC2"
    "pfiCrosKDSaOh0FsS/+ZRIaW54R33fojMhak0Ic9p558VzlXYe8mYT3TxJ4zTzRzXzxFfc"
    "BOUMmUskqBPbDsVhU4dvgszpfq3VbrvG5LH/SL6WIB9TtOLvx33sz6HpFQH48dd/GPgWUv"
    "7LT7Lxj+8u/2E4fPEQtLx9f/3XsHuC7V+/ff/LHlqb/VxSO5LH+YHLCldw1Fiph5tNp/WU"
    "73GwB8JyzRjNtT4rE1sj4FZIa55c23IX+vqffBL5dqnWj7VuKpGv2UkMjAaJ1XROZMHujO"
    "08p0ZRN2jTuATF3QbIbPUAtVt39lce8V6hKYabaQ2dLI12PKe3YAJwRurXWzOV2lwWaCc+"
    "5SrteIrtwBusaAmSXqhsu17TfHpHmm/vzlD1Ji9xc3uPtY1PWIuaBHlCB24u48ejLdWwLO"
    "WWMk2+A9vD7ereACOn9K5mnJwjdazc2oxOqof1ZyBF5rwYm4pgWVhdDKtWDCvFg12KYoEx"
    "fLXQbZXmcqLH4DGbeUShc13LeaFXemyrlgeBGlOQXIRBJUGYVgVgJ2UYeTIUdqPiBRrfY0"
    "GxngxDjtHvN++vTY3veN+iKbBQYEvv8skFxu/nACwrlbg0j7IWb8omjobprOHnXYfKreFo"
    "9nKTUF3sJUnXp3WpbdGX5Fofs30O1PLQUIqoF16GHdRGXVNPFYQ5S7k26t8nlt2YpaAF/+"
    "28iR8hJnB4FuA58VeiaRw+SdNDKbD58DD21UiRr43C8Ema3m0H1WKypqStFLU5WRvqjE0c"
    "50maXnDzrj3nCT27voqcVM57JJef12UAoG7AYZAK4O7ZPNR1GCT4r0vugnegYZe6ChKtgy"
    "o3gdHT6zkIPqwm2qieQ9blgt+baLfgazgHbJxwNowHaMW8IG1TQmlCCrmdCRMfEkgTJjvU"
    "OsLG6hcF56jt4qEQdP9okkztWW2B12FJp2oF/fR/ZLFUD/oZPiSZjvVXoVbW2zCG2qAP40"
    "MEN6CeyXvVvGS9GIrayoxmm9jS57huDcbPB3zNUkWY4Mwz53/ohFQdVPgfLGc0Ud5iil5o"
    "FNuuWu/04x3px/vk9dnn83D2wOezLzkOe+Hw2Rcw98fbs7dl7pwL4jlcEIJrIBYaUq/R6U"
    "JZOsffj/J3CJlHVMPTUvOUvYN7eFanzp3uVXGYZ67SXdJqrG8DJqmch21THjaD6gZcbN9D"
    "Tk6SA7vkY3ttM4tLvWyp9kGVny3MUa7laivHt47rKOkvx0I/1O3i6ISsGFT4jVIT1SA0ki"
    "Rz2axts1mDYgVN9PAEiVPDW6jhgix92mIXTY7OWe77lJvdV8nuQtzdU8BdiHtzIe68fOme"
    "ZbNL2bL3mw3e0rvyfQZx46DKpjE7Wjdv0KQOIAo5M5+Nn+BZZ9k89/pXmZHv1kNXYvI7gL"
    "5CFXElJjdXYjKrbDsVb5+zGN9w3+friuOc4+ZKXWRmOm5FG7G3jkWp/UmKtZJka9zZ0Joc"
    "vkx75rIruNMNUV6l0GRnuPY8ZAjd6tpascl+kU2nwCk4m1ZwQmCdklNrMc7w4eOKTig7HL"
    "5N8CUdVHiuOVTXnmJVdbh1vlOl8sMS3WtWe4DtCnZWoZA3WuA7u7eCLE3RTQT1xO+pejBH"
    "4CTvf4jGCgutH4UVvbGpdTjQ/wYxbsSF/lF8rM5uHgsbOigbacBeoaOwRLggU7qEYubIox"
    "7cG60xg0LoUHJCfyJhaQlNdRGWKYd/GTJHysu4ZLopvcj0JOhR+g/6aZLoF9IfHUz2YhKW"
    "QI8e+INMvQq0YmXP+J7zNUs9+PrT27fxwd3wNCgKCcUsoLDjcfgyproFUEcV1S/CjSbGKw"
    "c/LEJmjKaBkTUBxNZzLgka25vbQNrYVpGU6acKYpjIPjiuxR7NERRbXzEPykqa7S8AmJY+"
    "D9LUaTcvaScWdu+kKKlBBEYEzwnhfIXmdk8OmlBTu8PUuwxa0Y8fPt38NkC/vru8evsTis"
    "rHW2Q162jMgFy/NVQL0U/8k0/0zQO7ZxCyif77FVr6WniEkzVAEzLFmnGCop3Mi1hqgR90"
    "Y1TUc0aFVOVVRKIJD8SOEbzwNU5V5AOOmNjq/VmSkJMKLItsV8sTaaKiW8b9YKtSXPyqmi"
    "ocezze4kcmbJiEhRlj7eyYrtoxySmsPwlJKpdw0taAsYtTHvnqIjUx1e4Ml+Ms7sdPxnoT"
    "NWlC8VQ3oTjs34tcnW3vsUvJ/PqiIUXmTOv9yiBxYvlVSm1pBH6azuHfFv9Yv2yyLMZU3/"
    "2yGFlsTTFMEe51oeFNwJg0jfNIlu+jyZDtNY6bK+seWPdNWTJJt9dIbubDxq1KXqfp3MrU"
    "WjPYg2OMvoNpSHrSGmS2J6hcYntb7LMewiZCKE3pPoBNhV0jZF1csFZcMMuJNZLdQXZ0D9"
    "1O5ronxGyXIq5XbMK/lh8KHbcOKs+Chn51a+m/ZzYatiQiDgMeoislkc+ndxBRpNin/w4P"
    "WTZHuUmoagdxz9LAYT6eus0HPeHE5G5kHrsgz4GPpRq1i/TkSHuz07Lrh28+ljeuP/qPXP"
    "9vF0vPs35DG8sZ3076zgdBZkTA51ErkSfbvXK5SYrj0TKibLH+ADgmqcEkuZi8CY/OZpCl"
    "MhN8YdaFYOYgN4RO55CeQe6JeAhzL6rXnU094LGtYIats3kRLrugmwuPC9BuMUC7XBXV5X"
    "vkhJtVYV2+XcZIune0DVkUFiarRjIiclD2I6Wle2B2w356binaBQ+b27m5JS18Z+6fv5B7"
    "WqGhJ5srNXLPdKypgF8iQW4p9IIrSPE7wiCj+Q0VZIIlQa99vvLQOyIlvtXgh4rxhPic3R"
    "oHjTnKQLcbeptLDXfUdoCHqEJgnuf18h09Nzwxwd6fyjCnf/Kgu0h089vlz8Oz8zixWtNR"
    "8EixW5NDjpm2F5BhZ4TNvs1DdIkswEF6ejgCSOkmuqOHtFUgvzDGEWgy5Yc5OvugM2K10j"
    "4Azhk1LTCdptqMrfC8k7HlErwGsMYI99QQGx6dvqwBMHQrL7prGjPmmI/VjItFE5yTND2E"
    "evM2r8vA6EgWQKgMtEtHylO7yWg9GYGS1NhSTNO5lJi2+HfVTO8n8ntnpe9lqKxAvmwA2R"
    "t7p56Dm5arXXKC/M4npR6QqG1Q5f74k09q+j7GYsXs8h4cu+gTLMloxRT17UVBEBiGxiEB"
    "ZyReBH3GiHqEmf3cQb6Kj+nCeiHmXL+nuQj7unOOj109tE4Bft1hZdCEs/3sRyEoF1SZY9"
    "Gigdpd01Gf9IBtY/5OM8qonEf6k9td3VH/RjRzdQ3CiKCH1uDJsIY1eDIstQahKa153en3"
    "aoJu2L+H4G7h3Cb8AGfV5vEtPw4hQdILiCsg3dKpZPEC0Siqn6DrTX7eJiKoiQWznoSI1+"
    "o+8G/GG1dH/h6Xy9/jnPyNlZhGSkaKzDl+2u+DUgpOJC9Av3wTVIKkN5Jic5tUBZbzxht+"
    "M1QO1tyGfrBpmkjhiKB35z2e1jk7+rT86OjT3MnRGYOxkSDO0/aGeXddrUXwW0Fko0N8kz"
    "StGL1je7J3rS3PqVRcFCjL5ZAnSBzizRF30ddOCJuM96/RPORpXTmInW3p2pwn/+/gJ7wB"
    "Y7XUoZ/tMqjy6xu/Y03P/i9czY3vXObd6XmX/KO9n5C9Z/5toFeG/XuXMrYp12rV0bQr2U"
    "7iZCmdvGkr9+2+7XbLb5bULb/7KPZvpnrpXvnlQj/doVLky6Br3Xgu01r1KBFfpTIbSaUK"
    "Ye8eUgBkWM1c35RJKPgdppFTJolQVSHc7T3HrTTdiTOVrzTp+W8m5vK0Ts7to5y71v9U7K"
    "b36u2d92rLNlPlAoSNXIl7Gh7zYNxjr4JTE77aPBAi4HADkCz2KARqdrNrVro3PySa2oor"
    "+KGgTsuWngP7cMZCs/Rav97YHvVAGVjcksgBwlPBpQzuqu8n0Zr4Puy1MafPoHvsr4jdjw"
    "PlYKIzFaCeLVVw4kF4xASGgzLIFxbJY+gmCPhUiDdA5rwKONNC40x9DiP14SwFGK49diIp"
    "p5+8dwcmuGmkNKTpT4ZL+zBpuQjma1aUSVm+3EUEPQybOpd9r1a41ERYcdxwBmIiB/0Tdp"
    "DY5aph5kCC6nnBf3pB4O9HmzOJ4XoKKg87y3eq1O5oons9JS8oVnSIxmTJp/NxVAZvDad7"
    "mfJEoVpDY63mAo0XxKN4ZH6Gx45BDgWcCTXT1wypORPKamylZZJ28+QNb4Z+pHBHz9KFt6"
    "FMmTlvokxFBD1Upja/I3RCbnErX0GG0K3lrdfytJhqwup5ymfm+Y5ZDR1ZwC+JoNN50aod"
    "tFQu1Tjus9Ez2Z+yrD15RQsWp64vaE/M4Stf1e6JKN4UWP6xJ0h6uLINz87qVJU4OysvKg"
    "FtmQzfolpq5QgXF1HrA7rHR3Xkqe5Vrjkc5fww+omqsGr+7zfvr0viqDFJBmWPThX6P3Mk"
    "7x6iXQEugAF3Ls8kyyaNDexBdJDcGN7gl+dezL79P9irAjI="
)

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS `follow_requests` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `requester_id` BIGINT NOT NULL,
    `target_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_follow_requ_request_d28ff0` (`requester_id`, `target_id`),
    CONSTRAINT `fk_follow_r_users_8b156d92` FOREIGN KEY (`requester_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    CONSTRAINT `fk_follow_r_users_78665793` FOREIGN KEY (`target_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_follow_requ_target__4dbf09` (`target_id`, `requester_id`),
    KEY `idx_follow_requ_target__2a7e79` (`target_id`, `id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;
        CREATE TABLE IF NOT EXISTS `blocks` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `blocked_id` BIGINT NOT NULL,
    `blocker_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_blocks_blocker_9b7abb` (`blocker_id`, `blocked_id`),
    CONSTRAINT `fk_blocks_users_d91c72d8` FOREIGN KEY (`blocked_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    CONSTRAINT `fk_blocks_users_a9077994` FOREIGN KEY (`blocker_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_blocks_blocked_33a841` (`blocked_id`, `blocker_id`),
    KEY `idx_blocks_blocker_3456fd` (`blocker_id`, `id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;
        CREATE TABLE IF NOT EXISTS `mutes` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `muted_id` BIGINT NOT NULL,
    `muter_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_mutes_muter_i_1ac3f8` (`muter_id`, `muted_id`),
    CONSTRAINT `fk_mutes_users_8f75ecc1` FOREIGN KEY (`muted_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    CONSTRAINT `fk_mutes_users_f50263da` FOREIGN KEY (`muter_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_mutes_muted_i_ae1d0a` (`muted_id`, `muter_id`),
    KEY `idx_mutes_muter_i_a9a9dd` (`muter_id`, `id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;
        ALTER TABLE `users` ADD `is_private` SMALLINT NOT NULL DEFAULT 0;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE `users` DROP COLUMN `is_private`;
        DROP TABLE IF EXISTS `blocks`;
        DROP TABLE IF EXISTS `mutes`;
        DROP TABLE IF EXISTS `follow_requests`;"""


MODELS_STATE = (
    "eJztXVtz2ziW/isov3TPltply5dk4ycnk0zSmzi9bffuVCVTEiRCFtoUoQEgK5rZ/PfFAX"
    "i/maQpiWLw0B2LwAHJD+C54eCcfx8tmENccfyHIPwOT1xy9Ar9+8jDC/gj2zhAR3i5jJrg"
    "gvTJjlaqm76CJ0JyPJXq4gy7gqhLDhFTTpeSMg+6jv9j9EA2YzRl7mrhCTRnroPknCCP8Q"
    "V26b+Ig2bqT3UNS7TAD0QgeCiBsOcg7DicCKF+rTz6zxU5hps6bKruSr37LYz/1fvqjckC"
    "U3eMqOqDHgmnM0rCrgPEOCKLpdxcIdPR3F91Vnf19K2pM0DrOZ3O4arHAtJjdO0Ff5vHEZ"
    "K6Lppj8dWTDE1IdDdFSD00XhLPUS86Mk8EoxJOkCCqH3aRngb1ThtEPEm4vrdQ74aY578J"
    "J49UqJlQz+dNOcHwpmsq54hg9XTTOfbuVe+Zek+Dn3msKeaOQGLO1sfof+fUJWg8w96Ire"
    "SIeSM1jKPf93SAPLJGSyakQooD5PKrt+ZUSgCCKdxdl63VM/6EZoQ44goBrX5mwtWN1fMu"
    "4DVnnC30w+OVnDP+k0Bs7SGXCqnn20zNSLJ7ojpxNetf/qEuU88h34iAn1+O8COWmMNUHK"
    "m2L0ep54VhqHP0D6BbPowUxK6TWP9Ud9HXR3Kz1Nde0/sPnnyn+8Kym4wMSFH/5UY9rxcS"
    "UE/C1XviqemRxIl9Fd7Kdf2vJ7hkXktdkHxFwvdxogsOmeGVC98WUJsniK4djUY3n+9Gt2"
    "/vRqOjzHcXUMQ+Ff/SlHnwzapnFRqBe3iEX/5zODw7ezE8Obt8eXH+4sXFy5OXqq9+3mzT"
    "i+/mYSK4zFAatA9/+3BzBw/EFGMw7AIufNc0apIMlZ62CH5YyfrvzCS8mWOePwVxmtREqB"
    "dsMhHBhWgmIqa2i6lY4G8jl3j3cq5+np2UoPw/17+/eX/9+89nJ39JQn3jtwx1E4CeBVl/"
    "JQ2ADujaAXu/qz4B9WUVqC+Lob7MQK35dR2MQ4IeruThxXkFfFWvQoB1Ww7CdVdygqh3y3"
    "iLOAd6yQjL0ULUE5VFIzQSnj66nVnoO5Se0ZwktMI66z9DuDtuc3SUmYJuL/wEVnUZTS7x"
    "tsDOcJzDwxoLsWbcGSlTaF4L5zRhD8Xni2EFwF8MC/GGpgK4jQHYiKsXj9GOUbTvKdgLY5"
    "+pZxnVtYMSRHtl6NtY/acnVZRz1atw/eu2JM4Tyuog7HfvHbYXlbC9KMH2IovtmkwElbVW"
    "cIykdxgPK2E8LMF4mMU45u2qAXOSqndInw4rcYphCacYZpDmzK21lIP+O0QX3DM7QviyCs"
    "CXxfheZjQR8B0r+FZGSUiiXKx7JKl2p3CcbFfbGJ6evzh/eXZ5HioZ4ZUy3SJHjwgc77Wh"
    "zaG08ObDC/ZdM3gTlBbeNLywUSWbWSUZUmuMNDZGgr3DGss7TrLHdX3SnbWcsw+ZxPJ2gV"
    "23mF9kyQ8a17Phi8sQUvhRhubtp+uPH7OQUjFacqp02RzFrBzNJOUPCSRsgM8eYnuwcGGC"
    "pw9rzJ1RpoUNWVHfbNNiuEhfwR6+16DAy8AT+nEm7xhfEP6Hv7FYGI6S121QFpgy0wSjYM"
    "eyaowK9B9RE9XgQdwCJ/TeQ8pSGiDBTFCEjinRwRUQLqHuTCREhUy1IEdC4o1AnKiBHomT"
    "E6aylVs8HRlhAx66HfBg9+K3vhfvf3n1lnuMyKqQz1AhDbMaKf5F3drafC75tqajnzyoI/"
    "L+lgiwCwoFfaK9VMIL07OiZP+dzNQimiPJHohnghSFVKJXSVWBbt9f/zK8uARpq6Qn5Yhj"
    "z2ELNP5T0vGVlsZLsGjYSkBEJUjuB7KUILt1I3sk3MXLrLDf2V2rREbGOJmNgNw3ayxWCL"
    "hZM7V3wNN0PdwAv6wScXBZHHBwmY038D+w+vEGacLe7aK0DzZnsqk7L0PaG2fpjhUxLQSU"
    "aM5zVpcbGxFV75b6drZmzfmOWvuyEUnvMD6/qADx+UUhwtBkdwc6yFFcLCT42RpNRA6xnY"
    "rGU0G+LaliII1is9Ok1rp+xnaZMveaqTlp0i2Fxvd/Eqyvb7/epeRMZKfhndn2+C+y0VPx"
    "QT039qZ523F5B5IPbB6+BwstuBp9ghyvQxdMfP0pAMy2j9YYr2/fXP/17dH3/fjs3sLZhT"
    "twYRW67dJdBmWeO3MWwvjEKu7LRQex9eng+NFpuKDHQmsskFA2ivqZs+/WaIiafrXlii+Z"
    "INbFtn+ONChxscWmqbK/JyLpoWOt/XhO/TnV9qolqfq3pdm6S80eL976sVdrU3VAnbe+nk"
    "5Mg7WqrFXVmXnog1V1u1ou+RMhEfkdB09bWCKiqWhnvcc6JhEQ01mxmOduEIa8VHM/TCHK"
    "fjUhU6w6qubYfRBbSZc+Et/IMgGLWWNsi/fJsdi+BBsroWYp2ZJOjX1mQyQ7weoGJeZaev"
    "Zqbqf1OSLirEpKgLPilABnmZQA5tOogXJI0EN427eLrSLbHW1qP3L/g0MWSyaJN90oPa1Q"
    "6ud1K5X5NCKAmPCKEl+piITD4QJqMlaq7p5QFFrGGklMZjMylfpwgkcoCFVEvlFI9QgJJJ"
    "UgNtGI0JCV9C2Pr3NZqrfTPH2M1Dt7ErJJGT1g6lL1e6D/5oqQaOUCfimSKzSeqYcifKme"
    "TUKe0EdIQKnpmKdwk8dorOSFWt3B8Qwzzvqrp73E4Bv2v0HVU73GmnDdTeBHiOicBZk3p2"
    "yxoOaFqIQOC6qUFu8e0Zkf1cmm4HuGAR+o6xp0JkSuCfHscY7OM5IyXSVYm3UkaJzG+jyf"
    "9HnGvuI6KKfIeqitbCFiM2CHdcMYYmRWS2nsbjMyJov9HflWgHxE0Wh9dyypYgmAd2//ru"
    "FbCPFPN76Mf/50/Xe9whcbv+Xj55u/Bd1jy/7Nx8+vD1A576dI7Yhu/hsTslAjjxpL9XCd"
    "k6ZiWIN/stesmjGaK31WxA78wlBIaZ7Mm5Irdf1PNvHbhNIsBeimArlqOfGB1iCxnM6JyI"
    "l92M59KiSWhzaFi59gfoC0nw7UbtXZXTnEeYWmGAZTGjpZau14Tu/BBIDM9VUjMEy2eHu2"
    "qROfcpl2PMXmwWtItBhJL1S2Xcs0lz6Q+tmfUlS9OW3TXmoiZeMTr0HKsiyhBTcTx+7Qhm"
    "pYmtKmFn9GFLtN+vTchZzQu+qt5AypXcqNzei4elh9BhJk1ovRVuSKgTU7FTZ2JSd2JbEG"
    "uxS9Asbwh4VqKzWXYz0GT9nMIwqdq1rOCyXpcbzgGtQYc8BuNHssHOouQG8R7DxpCpN+4w"
    "qNHzGnWE2GX9zt19vPN7rOWJSNQ6cNy7Gld3nn3GAWA5bhSkzoW2VCWb4chY9preH9yqGS"
    "YwjB7GUmoTx7YZyuT3KpjZyQ0bLPgFq8NZQg6oWXYQelE9bUkTnbnIWrNuzfpyXbmqWgGP"
    "/9vI4fISKweObgOXFXvO4+fJymh1yg/e1h7MqRJN9qbcPHaXqX5ESxyYqctpTVZnhtoDPW"
    "cZzHaXqxmnftOY/p2dVV5Lhy3iO+vF+XAYDagsMgsYF7YPNQ1WEQW39dchd8Ag270FUQax"
    "2UuQm0nl7NQfDbaqKM6jlEXS7Yo97t5mwNtcjHMWfDeIBWnhMvmE4htjNm4kMAacxkhwye"
    "WFv9PKcE/S5uCpvudzrI1JS5970OSzqVK+in/tNF6dU9XAgyHauvQq6Mt2EMpQM242N0p2"
    "vT67hXtZaMF0NSk28c/l4tXYarZhb/csTWXiK1KNRdt/6HTnDVQYn/wayMOspbRNELjWLb"
    "hz2sfrwj/fiQvD6HXC7zAHw+hxLjcBAOn0MB83C8PQebvNm6IPbhguBMAbFQkDr1slWl6O"
    "z6fnJ9B5A5RNZMqZSl7B3cw4sq2ZtVr5LMSpn8zXGrsboNGKeyHra2PGwa1RZcbD9CTE58"
    "BXbJx/bGRBYXetkS7YMyP1sQo1zJ1VaMbxXXUdxfjrm6qT3F0QleMSjxGyUmqsbWSJzMRr"
    "M2jWb1kxXU0cNjJFYNb6CGc7J0aYNTNBk6a7kfUmx2Xzm73eLungJut7jb2+LO8pfuWTa7"
    "5C0Hf9jgI30oPmcQNQ7KbBp9orV9gyaZ/t9fmdlo/NiatZbNvuVfaUS+lYc2tfQPAH2JKm"
    "JTS7eXWjqtbFsV75CjGN8x12XrQk0k3lyqi8x0x61oI2boiJWanyRfK4m3Rp01rY7hS7Wn"
    "LtuEO91g5WUKTXqGK89DitBK18aKTfqLrDsFVsFpW8EJgLVKTiVhnFqHTys6Ae+w+NbBl3"
    "RW4fmdKDxLEiPm9Kqg/oy4IdiKGuSPHS5aiblqzteCojaYmTih1nYSzVbX2bdgLdZ10nNe"
    "fSLSlFbUNtZ2El9L9RlIkFn429J0woVtRXElUZxmBE/rOmbhWngrwZv4yruk57x22fShUL"
    "+JtZbqNRPotxV1Ro8crkrzy8nXZmKNYddImUkOZLWZfQvOYm0mOY/VpyFJZ0VpY00m+anU"
    "nQCrSraty/i4WlFbSdQmV+HTeozPNiy6NdB1OqjJfFrJ4lCZqLFUj1mobltRY2DgYEnC3w"
    "UqTNjkd4vUl/gAVnnZt6wsVl7iM1h9EuJUVm42VlziH0k98K3S0rbSolG1QrWSUI2vwKcV"
    "Fs0sLLKVke2isnLDoHjrFMuwqn2O0pLtVKq8eLHuFZOJQzYsM6VQJxYt8INJ3UWWuqYbgn"
    "K1j1RuoCYVio9/jMahS8tP5w2RSwP1r3+EEjGufkCYWDZb2G5uC/nCqDdSgL1CJ0EFWk6m"
    "dAm1cpFDHRgbrbEHdXYho7n6PoLM5YrqKqiCC/96SA356Ffb1RV5dWUvT02Cekp3o+4mwI"
    "WqvjiY7MUkqLAb3vAnkXgVaMVSZy0Tc7b2Eje++ePjRzRjPLob1ByDXOlQN+w0eBmdPB2o"
    "w4K9V0EeMx30DT8MQvoZdYNH1gQQW8+ZIGhsBjfntMamSJlI3pUTvYjMjaNSv+EcQS3fle"
    "dA1TKdXQ0AU6xnI3QZYP2SZmIhOVyCkmpE4IngPgGcr9DcpHxDE6pTw+tyan4r+vm3P27f"
    "D9DbT9cfPv4FhdWJDbJq6SjMgFy9NSSjV3f8k03U4H5Y3SBYJurvV2jpKs4RTNYATcgUq4"
    "Xj14TznHBJLfBGNYY142aUC1mcpD6c8GADFrgufI1TyXI2ZUG5T5MEKynHQkh3NWsiSZQ3"
    "ZNQPMuFFtVXKqYJnT7ivc245iELkYgGMEdbWXumqvRKfwuqTEKey55mbmitGOGWRL6+BEF"
    "Htzlg5TeN++mys2yh5ELCnJHzF+WqC/r04Cr7tFI42nuHHO6Bs2fKrhNpSC/wkncW/Kf6R"
    "fllHLEZUP7xYDC22uhgmCA+6jmUbMMZN4yySxWnaUmQHjWN7VYN9677ukozTHTSS7XzYuF"
    "FF1SSdlUyNNQOu/ZNNpiBDalXjxtMQ96RVn4E4lc2b1BT7tIewDhNKUtoPoL1Ydx9ZuylY"
    "MdY9uRIr5FIC3tE9dDuZSinGZru04/rBm7BvhVutsdZB2R4rhX5VSzV/9sxu2JLwaBvwGH"
    "2QAkEUHewoUuzSf/m7iqDq3sPfTO97Fm4cZvdTt3mjp1PZFm7tdCOxjd3kOXKxkKNmOz0Z"
    "0t4k8tyHzK7D+p5KS6Q++jum/rcL0bPXb6iq5HkyJdF2wnd+42RGOHwelQJ50t1LxU2cHY"
    "+WIWUD+QPg6KAGHeSi4yYcOptBlMqMs4WWC/7MQWwInc4hPIM8Er4JYi/K5U5bN3gq06Be"
    "1um4CBtd0E3BYzdot7hBu1zllX0qd6cGNHvcI2l3gbfhViWL3Lo35UiGRBbKfoS0dA/Mbt"
    "hP++aiXfCw2cSgW9LCd+b++St5pCUaery5VCN3dMeKCvg14uSeQi+4giR7IB5ENL+jnEyw"
    "IOiNy1YO+kSEwPcK/EAxnhCXeffaQaMrZat2TW9iqWFEZQc4iEoE5nlWL9/RfYOC3GZ8Ko"
    "KY/slGdRHo9v31L8OLyyiwWtFR8Eh59zqGHHvKXkB6OSOs04Ieo2tkAPbD04MngJBuojo6"
    "SFkF4qvnMQSaDHm2i8raB/u1D2DljOrWL01StWMr7HcytlzhUQNWG+GeGmLDk/OXFQCGbs"
    "U1HXVjyhxzsZwxvqiDc5ymh1C3b/PaCIyORAEEykCzcKQstZ2MxpPhK0m1LcUknQ2JaYp/"
    "V830fiJ/cFb6QW6V5fCXFpC9NSP1HNwkX+2SE+RXNin0gIRtgzL3x59sUtH3MeYrz4j3sd"
    "4WHLsECzJaeZK65iInCAxD7ZCQdEGu/D5jRB3i6fPcfryKi+nCeCHmTL2nvgjnujOOj13d"
    "tEp9Z9VhpdFUX4U0HwWnjFO5gb/DBzWnpsM+yQc2jdmRZtSjYh7qT/Z0dUf9G+HMVTUIQ4"
    "IeWoNnwwrW4Nmw0BqEpqTm9aDeqw66Qf8egtu+02iJNy7DOfgWV9uOkfQC4hJIt1JtOy4g"
    "au3qx+h6E5/Xxg5qTGBW4xCRrO7D+k1546rw39Ni/nua4b+RElNLyUiQWcdP83NQUpLFUu"
    "agX3wIKkbSG07R3iFVjsW89oHfFJWFNXOgH2yaOlw4JNgdFz462gkPPj+pwIPPTwp5MDTl"
    "gBsZjLUYcZa2N4t319laOLvnROTgX6Itx2gaLfSOncnetbY8p0IynqMsF0MeI7GI10fc7r"
    "52gtmkvH+15iFLa9NB7OxIV3ue/P8GP+EtGKuFDv10l0GZX1/7HSt69l8zOde+c5F1p2dd"
    "8k/2fkb0nv63hl4Z9O9dyFhbrtViT/YSIjgbcZw0peU3Tfm+ObfdTPymSa34PUS2fztVon"
    "vlFjP9ZIdSli/8rlX3cz2lVY9i+6tUpHdSqUTYeYQQABFkM1eDegISfgdh5NQThMuyLdzt"
    "3cdKmu7sMxVLmuT812NzWVrL5w6Rz92of0pO0zvVzs47lXmbznIBzEas+CMNyjxo99grv2"
    "rCNxMHQjgUNwDOYkohUH2aXS2lR/1DoKnJuII3OXlatnQfOIcz5mpJr9XrjU2pB+qBxS2I"
    "GCA85UwIf1Q1nkBr4rpw1sZlazXaI3ZXxJzHgXQwYU0FyGdLJVQ8CEpMYCiUQb56IT+Gbp"
    "yAT4U4A6TrVUBNC4UzdRk8qQu1FOBxTdmJOJ9+9tkdmOC6O6UBTX8iXJpvkxazYLb28iIp"
    "i8VdSNDDbVPrsu+VhEtMhGHHNWcgIrLQP+MEiRFXNSMHYlT7Bf/5CYF/HG1OB4arKSgtdp"
    "btVKrd0Vj3akqen6zoGI3Jkk3n4zAN3hqqe+n0RIFaQyOt5gqNF8SheKR/BmXHIIYCakLN"
    "1DVNqmtCGY2tME3Sbu7c8mHoJxJ39CxceBvKlJ7zOspUSNBDZar9E6ETco8b+QpShFaWN5"
    "blSTZVZ6lnKfe85jtmNXREgF8TTqfzPKntt5SKahz1abWq+nPE2rMlmi+cui7QnhnDVyzV"
    "HgnPPxRY/LHHSHoo2YYXF1WySlxcFCeVgLZUhG9eLrVihPOTqPUB3dOTKvxU9SrWHE4yfh"
    "h1R5mbNf/X2883BfuoEUkKZYdOJfo/XZL3ANEuARfAgJGLI8nSQWMDU4gOghuDAV7vW5h9"
    "/3/Tb+nW"
)

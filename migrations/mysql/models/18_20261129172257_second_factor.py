from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS `second_factors` (
    `secret` VARCHAR(200) NOT NULL,
    `created_at_ms` BIGINT NOT NULL,
    `enabled_at_ms` BIGINT,
    `last_step` BIGINT NOT NULL,
    `user_id` BIGINT NOT NULL PRIMARY KEY,
    CONSTRAINT `fk_second_f_users_332b35b3` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='A row without `enabled_at_ms` is a set-up that was not confirmed. `last_step` is the newest time step used.';
        CREATE TABLE IF NOT EXISTS `recovery_codes` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `code_hash` VARCHAR(64) NOT NULL,
    `user_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_recovery_co_user_id_ce49cb` (`user_id`, `code_hash`),
    CONSTRAINT `fk_recovery_users_69b82d9d` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;
        CREATE TABLE IF NOT EXISTS `sign_in_challenges` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `token_hash` VARCHAR(64) NOT NULL UNIQUE,
    `password_changed_at_ms` BIGINT NOT NULL,
    `method` VARCHAR(16) NOT NULL,
    `device_id` VARCHAR(40),
    `new_device` SMALLINT NOT NULL,
    `attempts` INT NOT NULL,
    `created_at_ms` BIGINT NOT NULL,
    `expires_at_ms` BIGINT NOT NULL,
    `user_id` BIGINT NOT NULL,
    CONSTRAINT `fk_sign_in__users_598fefd4` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_sign_in_cha_expires_c2df82` (`expires_at_ms`),
    KEY `idx_sign_in_cha_user_id_3ef15b` (`user_id`, `id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='Challenges are stored as SHA-256 of their random text. The other columns are those of the new session.';
        ALTER TABLE `sessions` ADD `reauthenticated_at_ms` BIGINT;
        ALTER TABLE `sessions` ADD `second_factor` VARCHAR(16) NOT NULL DEFAULT '';
        ALTER TABLE `sessions` ADD `method` VARCHAR(16) NOT NULL DEFAULT 'password';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        ALTER TABLE `sessions` DROP COLUMN `reauthenticated_at_ms`;
        ALTER TABLE `sessions` DROP COLUMN `second_factor`;
        ALTER TABLE `sessions` DROP COLUMN `method`;
        DROP TABLE IF EXISTS `sign_in_challenges`;
        DROP TABLE IF EXISTS `second_factors`;
        DROP TABLE IF EXISTS `recovery_codes`;"""


MODELS_STATE = (
    "eJztXVuX2zaS/is4/ZKZPUqfdt/stZ86nmTiWV+y7s7unBPPkSARaiFNERqCalkzm/++VQ"
    "Av4LUJtS4UjYfELRIFkB/AqkLd8O+TufCYL09/lSy8o2Ofnbwm/z4J6Bz/KN8ckBO6WGS3"
    "8EIUk50soZm6QscyCukkgotT6ksGlzwmJyFfRFwE2HT0H8MHth6RifCX80CSmfA9Es0YCU"
    "Q4pz7/F/PIFP6EazQic/rAJMGHkoQGHqGeFzIp4dcy4P9cslMc1BMTGJUH9zvo/0vwJRix"
    "OeX+iHBoQx5ZyKecpU0HRISEzRfR+g3RDfX40BhGDdTQ3BuQ1YxPZng1EAnpKbkJkr/148"
    "iI+z6ZUfkliAQZs2w0IOQBGS1Y4MGLDvUTYa8sZEQyaEd9oqYB3mlNWBCxUI0t4d2ICOI3"
    "CdkjlzAT8HzBJGQU33TFoxlhFJ5uMqPBPbSewntq/PRjTWjoSSJnYnVK/nfGfUZGUxoMxT"
    "IaimAI3XjqfV8MSMBWZCFkBEiFCHn0JViFPIoQCAG4+75YwTN+R6aMefINQVr1zCyEgeF5"
    "5/ia01DM1cPTZTQT4XeSiFVAfC4j/Raw/ljEhnQKLzmcSzW4ZBFRFxQhtIe/dDs9/XQyEc"
    "sgep12HgAqhEdIC+BJ5qm1pKd9GIl7Bm1CWFG//QMu88BjX5nEn7+d0Eca0RCn+QTu/XZS"
    "wAK74d7JP5Bu8TCE6fO93LfFVRN1fRitF+raD/z+XRD9pNrikh4P9QRk7RdrwCJICXgQ4d"
    "V7Bi9K4SWNLy5Y+n78ZSaX9GvBhShcsvR9vOyCx6Z06eN3i9T6CbJrJ8Phx093w9sf74bD"
    "k9I3nVAYn2F8aSIC5AfwrFIhcI+P8P1/np9fXLw8P7u4fnV1+fLl1auzV9BWPW/51ss/9M"
    "NkcOmuFGjv/vru4x0+kACmo1kRXvhD0cAkaSo1bRn8+JWov0uT8HZGw+opMGkKEwEvuMlE"
    "JBeymcgY5j6mYk6/Dn0W3Ecz+Hlx1oDy/9x8fvvzzec/XZz9OQ/1x/jOubqFoJdBVl/JBk"
    "AndNsB+7CrPgf1dRuor+uhvi5BrWSBDcYpQQ9X8vnVZQt8oVUtwOpeBcK2KzlH1LtlvEOc"
    "E51nSCMQ7naisq6HjYRnjG5nFvoepWc2JzmN02b9lwj3x21OTkpT0O2Fn8PKltFUEu8K7B"
    "LHOT6sqZQrEXpD2GbNrHAuEvZQfL48bwH4y/NavPFWDdx6c7kRV6/vYzubokNPwUEY+xSe"
    "ZWi7D8oRHZSh72L1vzhro5xDq9r1r+7lcR5zYYNw3Lx32F61wvaqAdurMrYrNpY8slrBBk"
    "nvMD5vhfF5A8bnZYwNa5cFzHmq3iH94rwVpzhv4BTnJaRD4Vst5aT9HtFF88yeEL5uA/B1"
    "Pb7XJU0E7dJDZQUuo1yve+Sp9qdwnO1W2zh/cfny8tXF9WWqZKRXmnSLCj0iMepbQ1tB6e"
    "Cthhf3d5vBm6N08BbhRSdYtNmupETqNiMbb0YSv6TF8jZJDriuz7qzliv8kHksb+fU9+v5"
    "RZn8qHG9OH95nUKKP5rQvP1w8/59GVIuh4uQgy5boZg1o5mn/OaBlBGNlhUMtl67zSj2qN"
    "/SScQfWVnDNa5vZ/vQavfQsHkoKrdyKdEODOIIRD33rYVZNb1zm2wq0AohKnaTUUG8o5no"
    "Z/QHRt5MH4zgD7wwppOHFQ29YemOOBd1bcu35ufz4hUa0HuFJr43PnAcPPeTCOcs/DWOaK"
    "iNsatqNmiKtpsqgmESKtE28A7bD7kO1QowGCtk/D4gD2w9IFLoSC8VKKcixjAGLImfimOn"
    "CLDktSQhg44e43ipfOzdToZ4OiTLRVp1O9LKBQHtPAgo/vLslrtB5Pauz9i7ama1oeZVSb"
    "6r6egnD+qIvL9lEg0StYI+d79RwkvdsqVk/8ymsIhmJBIPLNCR1zIC0QtSVZLbn2++P7+6"
    "RmkL0pOHJKSBJ+Zk9HvER2+UNF6gKUUsJYaJo+R+YIsIZbeOpH5koU8XZWG/l1FVuPcc5L"
    "4ApQID9EeSwTKDSQVERDgikq7JTKx0qLtGjazgAQTsZpj3ptQeo70xWF9FvYtlFIfGj0KG"
    "seYMPsFJZtRTzVcYKs4jqaLriU9lBI8Oz+cRHaKfhZvTe1j7Ax1PT32f6DFl67hygx27+P"
    "FD8/d6rSbUC986fqhI18Pwoes28VrX9eFa1+VorZhL2EdrFQl754PePtihiDZ1hpRIe+Nq"
    "2rM2qYQA6BdVrr7mHVNG1bulvpvAFp15ZwOzQdI7jC+vWkB8eVWLMN5yvtUOchRUWdFYuN"
    "FEVBC7qdh4KtjXBQcGslFmS5HUmQieEWwAe9bN1JwiqfPLbDgJelNvI3wzij3K3iT1oCyD"
    "c3e6GfGYs31Y+d6LhP3I3do+wpVmI1uWUtOFc74/aw/lnCEHM7/nZ6I8DT9pv/B/sbWain"
    "fw3DSYVAVKVZWhObJ5+CNZaMnV7CsN6So175rrDwDQfnHFpW9u39785ceTPw7j1PgRs0rv"
    "0MZf69coNhk0uTZ0lqp2GrRzbxjld1QhF7NgDl5QfSmjvwQuCj8rAhM26sLSZr9YhgshmT"
    "PfH54jDRrM98Y0tbYlZyQ9NNpvXytSn5O1xT5P1b+Yj62b613hl50XJHH2mg6o886O3Ilp"
    "cLsqt6vqzDz0YVd1u1wswidixqobDp7eYcmMpuU+62eqgrZVmBOGWonAXxOK1UhncRxXVv"
    "N0zCYUGsJtYxwilpHPH5k0C26WN2M7HKdix/Zb4rRNNctILPhE789cDHknWN2gYbtWnD1L"
    "V32fo60u2mSRXdRnkV2Ussj0p2GBckrQQ3i3vy92imx3tKkDyf2vEaa2+O88dPhE63q5X9"
    "mwWe7HJKDuKBreOjNMLse/s0mkeKUykubDt+GKXMbCGgOhdf/wxmHSYMFCKYKkALrqQkl1"
    "LBmuKn9jIxT4FabZPQ9eqSKYu5RQPMIYoVMQOvT1NikI6YRZiC2TpoeSa/uKgfmRWgUSFO"
    "icVbcXVt2jK/rqNC9nQvz2oHcmxB6bEAF6753XHJlRatO4gVBh3tyzCs54p084Qu1sTLFB"
    "ZrHTQRXzpYzwICBMlaSTCVuoag+YKRkf1/OZeaCx+wKaoX6PPZV3CbsbxlWX6DIHa1L8XZ"
    "TBfvRR5wPvivg+VFkDDAb/ScWCN9Q2KDZqFDW5APOWouaGhGKV5u2PWICdmZn6FA+B+365"
    "0HF9K+VmiggMNOXhnHmnZKSymWTEFmkoYMBWDERCxOdYvoAt0FBUUdloz2M/Qyh1Q8V24g"
    "mXeMiskngzih7apHaSwuu29Z3Y1ufYoaWKUCR1WS+bzkIqYOxmIEfmqjbsST17yhLzKWB3"
    "Av63DzvMQYX1bqwwz1J4P4Ny+sjC9Vv4Wavwlhs1Krxh3Bxe1Gvpl62H8CkfJo6ht7jOid"
    "kdftGkLGYzZqEv5oh6qDJu35bRjc3RoUF2/odOzMOR+x9uYaLeBcCdfPxg6wVlZbtGWSmB"
    "YsgDPO1R07Q0EKVjtK1GGbGv0Sm5wwKOKEeJ/uY1Naw2yZIQo4CtkuqSZdvQ/oZ1RSSPiv"
    "01CXznvNiLwHenz3bqezi28j9HHGvusUc+YZXKbj3GOaKNYO6aJS5f4rCNCfqy3gJ9WTJA"
    "g4QeatDKMDefD5Wn7I3dbRtnRdEowhrdFWy6Fk2TpDdYukMO+yXzXCRFF2bB2YCcDagz83"
    "DkNqB3HkhdEbFgsob5qjUBVTUbNFmAeEaAZ0C1jkUFlDDuk+toUWgeSDy5EVPGtUWFTads"
    "EqnDyALGlfWFfeUykmlsT5SYZaqCULfavzrbBN4uyXxLEtt0cNDE5/B7oP4OgZCpDDj8BS"
    "RvyGgKD8XCBTxbNCLKtxTTiQBwi07JCOQFrNXkODbdz+pLkAYoxaIdWsJrrJg+HEVSPNlE"
    "h8zq7uZzrl+IR9hgzqWEoQmPk+9CMcFSatjhA/d9jc6YRSvG2hqtnI2qmzaqZG3a7CBNGm"
    "efetI+ZXzFNigXyHpoENnB4SYJO7TjKTkyp/ttrHZrGVPG/o59rdvTpxR9sEQ1AHj3498V"
    "fHMp/+mby/hPH27+rlb4fB3fef/p41+T5sayf/v+0w9HuOfvp0jtSNj+L0JGtRp5drNRD1"
    "9As7ZFJOKTfJOY+BnosxgWj10QiufsTVhF9Yc2VKgo35DfxTg+LThVZmX+DGFFhNonjSYz"
    "Jk/Jjb6kNF58O1itAtVkIR6Ih8UhHhhbqN7m2fnEoOZOKKqwXwLg/cqZq1V1PFAMXbGgJw"
    "f4iUimtXrC6GRG8B6gRrSTaEBUUSpUyqGxv/SY9xq6xcdSg6o3mPF73CDgCYRtvbtYKl44"
    "/243PvQm3XlC9YNbyDuDpBcK3b4l3hz3z3G1u7aYmzROy7DH3OcPTA4Vr7Pw1hSonMOm5L"
    "ARc1yZ9siWCR24JTeMxzdUjIuULldl091goktZLG2T5ICL+qw7CzmnO9ut5BKpW8obGzZM"
    "lbz9DOTInF1pWz5FDavzKrbyKubWYJf8imieeDenDVHlhRaDp6wYQ46N29oy5iDpKXoeU9"
    "fZVPheVnIyZAGoArhxSHyBikLHfr8ho0cacgqTEZcG+Nvtp4/E5zLKQsHxdWSFPWSfI1em"
    "kWmwNFcSUg1VyiL77SR9TGeBOKwcaqiLmcxeaRKaAxNNuj7JpW1EJmbLvgRqU+CyQdQLy0"
    "4hdrlVZYcXDZUdXpQrO6y4F1U4nmtXbdq+T0t2azsFYPz3Mxs7Qkbg8KzAc+wvQ9vICJOm"
    "h1xg+w576kdDTJWzAdmkOWg53B0x2pactpHVlnhtojPaGM5Nml6s5n1bzg092yIVzVDOe8"
    "SXD2syQFC3YDDIudSPbB7aGgyM9dclc8EH1LBrTQXG3UGTmUDp6e0MBL8sx7CpnmEc7Fw8"
    "qogFrA8YCTIyjA2jAVkGXhxIK+GhCMdoW2OLjyG9xpYdE8Cp2vWHFbES+xgUAx3uVNivTk"
    "lPjtjgk2iJ7eA/zLNawxg+hv2O4KuIltraMAoZ9dYjndnOPRWJDGtJWzFUkcO4t+XCF7Rt"
    "ocPfTsQqyKW0D4izP3SEqw4a7A96ZdgobxlFLzSKXWf4Ov14T/rxMVl99gf1N2nzOZYYh6"
    "Mw+BwLmMdj7dnT1799W48zQRzCBBEKAGKuSlLarO0inVvfT67vBDKPRZane5Upewf3+dVV"
    "C7yhVcOJX1dFxM1dY/s9oEnlLGzbsrApVLdgYvsWYnLMFdglG9uvymjzCw3rk4qKTQaNh0"
    "2pxsMFtG4blYPDpWExQh0smQTB5INkdN86nWembVtkvMbEoWko5spoFUYjUlXMcVeDVJds"
    "1hjoyVbtXcHmDnG0QbN1K6zYXzXNQEriBMvGwbbqXwvtKWnfi/3Bzqtjm+yo/brOkbm1vS"
    "2lScO6Da1JddR3vSm3CrunOD2hNLVWmFrqSuiCm/JQRuiVmzD+yLwRKi4jzT5GsaZi1KsG"
    "HUfpYoOCtjPS/44StccINy5rT/sZNnFSck/raTTKt1JXKJYuWuAaSDS1MYMrDEZCB2ilc1"
    "IVPsBi2+gvjSgK/0QV/BLogkzfSQIa+gA9plyXUZJYbek5vkz9ps6R2VVVL5a4VlOQ0TiB"
    "+IwkQc1C7KA3qXrjy9gz8jFLslC0M4oeqto78XY69/3e3PdalNv4lkyaXizoffuWnPm9Oz"
    "tJZ34/fvP7W13Yo3Ybmbs/aNpHJiVCWm0k6/Fts9sxw9VhzxdErnBVJ3jFoGG3k5soi8wE"
    "k8wVk9hU8Y6rN9uoKgaJ01Rc2bCjwDxkC59vUDisRNebDf7WghW7XI6mr9LUZfV1b9Pjsv"
    "q2l9VX5i/d20128cz6ztZXes8f6ksrZTcHTftIVcRz+5vI3Am2ycosFyAy1qzbTR5a/jUW"
    "IXLy0J1z9g1A3xTJ4845ax3F89Q5Z0Vl26l4x1y44Sfh+2JVq4mYtxt1kalquBNtRHedsV"
    "L9k1VrJebdrLGiTUJ9zPuFy+5ch26w8iaFpjjDreehQOik63OCU3JfpO0UOAVn2wpOAqxT"
    "cloJ48I6fFrRSXiHw9cGX9ZZheczAzwbTueqaNVC/RmGmmAnalDcd7poIxrC7WotKLuHM2"
    "MSKm0nd9vpOocWrPW6TnHObWJw85RO1G6s7eS+lvYzkCNz8G9L00kXthPFrURxkRE8revo"
    "hevgbQVv7ivvkp7zgy8mD7X6jXG3Ua8ZY7udqDOq53RV6l9etTZj3EybZspMviOnzRxacN"
    "ZrM/l5bD8NeTonSjfWZPKfiu0EOFVy27pMjKsTta1EbX4VPq3HxGzDoWuBbhfT9z8so/pQ"
    "mexmox4zh2Y7UWOw42RJ4t81Kkx6K26WqS9mB055ObSsrFdezBlsPwkmlZObGysu5kdiB7"
    "5TWrattChUnVBtJVTNFfi0wqKYhUO2NbJdVFY+s4UIo7dU1qssxSaNikuoGg8n0LptkUax"
    "YIE+Z0QdNKqPIVnqOorLIOK+uoI9YmWdkEnhPzJvQKRI6vYkrbGooggYwR4VQUW1xl2Ohm"
    "WGRuzrhIWLKK0IidUXyGoGbeLyP7rckQaKea9VIx33TeZ0TfDIeAJ/6yUCRK1LBWWnYTjF"
    "7NC6QEMdSL18NJKliWg466RA14vUzXw9j1cNYCc5hK9qK3m8KpbxSBCzXfB5OqeJbawGHy"
    "SWv2OJsodBPhZCZeTrM5QNkl6wln1nKB/H6VUnqK2cHCM3TxQ3G4RNmq1k3R9Wf8nBe3He"
    "At+L81qA8VahlIRP+Rx2KeO1NdMukTrWvSnrTqCk0XBewU7azEJK6mZh01lwRRE6ZMJzGe"
    "Q9yCDXZqQnrEytLUw7cY6hEScNQlbmmbDKPeYsK920rISMShHY6IcZRS+2PLs+PzYuBGiD"
    "sEHSu/KzV62qz141FJ+9KteeNXiQheKXETlz1cY6n8nzreAvEDq9b0t6Hy7rLWh9FQ6sI/"
    "se2ip/Bh942n2brFqnV7fLS8h9413SrD/AP6E6huRmgv+vDz6rbNiobc9TkiGdpBUsn/bq"
    "fhRkqlcReWBr+ZrQgEBHknmETlQxxszH6RG0+RNYZGuZHOrii3syXhMewRWv7MbdbvfKbw"
    "uvo/ZNynF7ht3rA/0W+P4iPCUjOhbLKGmhvLYKkdgvHBBAkVFYYtgrtMSzY/ApKHqRoQeF"
    "IpKqfmDQkT6hdQTPuWCBh95ko1sYUGIuDHx4I3UAzQhPhx4RnwcPqlkoVvKN+r8+P3DMEB"
    "Ltvp7BSiYz+shIwDhucOqPFEwGqYgCTCBJXMoY/5fbXzo/86G1l/rdkDl5FgYsg8qpkpub"
    "D9UnbLNRyij6uBVt46t4Ue+reFH2Vbht0qHWtgtgcQEs38hS77IX6BuAPxCR3dm9cfveWR"
    "p3ddCVCni1djObVM7DvLGfH48O3dDPXyR1POYZRt9jcBpV8JkO+4nmTEp6b8W6DZKeoLoj"
    "lq1tRjbQZhT9QPb86qoFsNCqFld1r6DpxbY9S0XPoNqRJOyr4crY5SQGSCvoTSqnhGyKPZ"
    "qUbXhJ0r4fnOT6sgUjub6s5SN4q8KBeRgv0M3S49FbNPzX+n+KTQZNnh+KjYfKk9DO5fMp"
    "UD6JAVnN+GSm/BA61Y0FUbgmPJAsjGTZl2NB93QWnJU34nZOff+b8UdcnL+8TpkJ/mhiH7"
    "cfbt6/b5HMdhje7bYux8G892Z47RUn/ygiPuUT2ujLLzdq5OaB0bylC/8OGLGebfSxkzl9"
    "YFI5sxfK+qDc1I88WqskaLP/UzJKywwqXzlVHvgB/BuHA2q3OB7dURYH+xkWXf48GAJgr8"
    "kZ4VPtUWcTvuDY0OMe9k1WFH5EM/T3w5JKogeA6k3igsd/AwJdPsbJ5AIlE3rggwAmAZ7S"
    "X8NoCcvDyZ6PWSjzA34nc68i45iCkBE5E6sgN/DHX9+/z8ITcDQJA/hcqmzyF8nL4AVFLZ"
    "NHfUNEcgsxhR8aIfWM6kbAVgwRW82EZGSkO9dnZ46I+kfmRw2ZWkR6YDqNWJhGMKg5wnz3"
    "ZeDBVJ2SuxgwFYiRJdTriYXJz1NyhQg+EY6TwPlaZd1jwzFmyU8Jo6AyxHfJn3759fbnAf"
    "nxw82793/WveMDaGRh6QBmSA5vzQIPR/xdjKHzOON0kCwT+Ps1WfgYQhFP1oCM2YTCwtF4"
    "YTRGsqQwZX/M0lATpbnUB1ukE54UxY59Yabb3SiUjQEXRZKGeI1iU70m8kRVXWbtQkYNs2"
    "IzVfLsuZKiFUMOsuARI7c3w9qFkBxWoeicdud25goqFE7We5aUan969Ysi7i8OuFUxykJb"
    "hif0OCxh+xZ+V2PeFdb4JpE31BYr8PN0Dv9N8c/0SxuxmFF982Ix3bHZYpgj3B+MZ0UYzz"
    "oBo7k1LiNZC2KR7KhxPH9x+fLy1cX1ZQpmeqUJ0QqmGu/ubZekSXfUSG7nw6YbBRPl6Zxk"
    "cvFcRz0N3U176av9yGRBeQuhDRPKU7oPwGoSGnKoU2TLE3LoNN+9Tkb7PN/8Snw6j1rxju"
    "6h28UkapPNdimD+l0wFl9rXa3G3UGTj5Vju7Zlr+OoF7JgYeYGPCXvIknwZBP0KHLq83/F"
    "XkVUde/xb6H8nrWOw9rwmp0M9Ix4HPTCWosJg8g5ebbk5PGpjIabeXpKpAfchB3dnDwr2C"
    "T/HZVnDT76OwH/24foOeg31FbyGJyjheDZWvjOLyGbshA/j1aBPMXmjeLGZMfDRUq5gfxB"
    "cFRQgwpyUXETHp9OMUpFVZZAuRDPXBKlySVhjyxcJ7EXzXJnWwNUxlQYU6uWtSvX1x0m1y"
    "R4nIN2hw7axbIqNrTZnJrQHNBH0pWIZ6OS/rwy3aoZyZTIQdmPkJbugdmN/dOhuWgXLGzV"
    "GvihzT+dNK7ZaeF7M//8hT3yBg3dvN2okXuqYUsF/IaE7J5jK11ETjywACOaf+IhG+PxY2"
    "99sfTIB5UYDeAnivGY+SK4VwYadXYZ3E+L0OkeYR/g4WFjuD0v6+V7GhcD7DHiW/fPZRLT"
    "H1fdu/355vvzq+sssBroOFqkgnsVQ47l9DDsHZYzAekgVvKU3BANcByenjwBhnQzaOgR2B"
    "XIL0EgCGoybCcpY25/sL/9Aa6coW2SU55qO3uFDp36sp1Ep1woJwJmjXBPN2LnZ5dtanhh"
    "s/rqAupmYTvm02gqwrkNziZND6HeQXl6F4HRjSiARBnYLBypTO0mY+PJiJUk+xKCOToXEr"
    "Mp/l3dpvcT+aPbpR+lq6yCv2wB2VvdU8/BzfPVLhlB/ibGtRaQ9N6gyfzxuxi3PfM9XAZa"
    "vMel7X2GpZmTwpIjlfmOG0NlkIj4nL2J24wI91ig8rnjeBU881BbIWYC3lNdxLzukuFjX4"
    "O2OaodGiwVmngGrP4oQi5CHqmjStMH1VnTaZv8A+ub5Z6mPOBylupPLru6o/aNdObabghT"
    "gh7uBrd/mu0DvJcNukn7HoK7faPRgq59QSvwrT9f3CDpBcQNkO7kfHFTQFh59Q263sTnbc"
    "ODagjMdhwik9V9WL+7PqEjU2KslIwcmTP8bJ4HFUVsvogq0K9PgjJIesMptpekGlI5s074"
    "LVA5WEsJ/azykMd6LpwS9O6Uh8s2BcMv68uFX5aKhRc2jFaMuEzbm8W772otobgPmazAv0"
    "FbNmg2Wugdy8net7Y843jkYoWyXA+5QeIQt0fceV87wWwK1j+reSjTunIQe0vp2p4l/7/R"
    "TniLm9Vag36xyaDJrq/sji0t+z+IaKZs57JsTi+b5J9s/YzoPfWvhV6ZtO9dyNi2TKv1lu"
    "wFRnBuxHGKlI7fbMr3dd72ZuK3SOrE7zGy/dsJiO6lX8/08w0aWb6Mm7b15wagVQ8N/yqX"
    "RU8qjwj1HjEEID2EHToNpHmGenzUR4MLd3fjOEnTHT9TvaTJz78dmyvTOj53jHzuI/zTkE"
    "3vtcud91rzNlXlApmNXIaPPDnmQZnHXsenJnzVcSAsxMMNkLPooxC4ymaHpfSofkgy0RVX"
    "6LqiTsuOxsE8nFEIS3oFrzfSRz3wAHfckskBoZNQSBn3Cv1JsmK+j7k2vlhBb4/UXzKdj4"
    "PlYNIzFbCeLY/wxIPkiAmKB2WwL0HKj7FZyNCmwrwBUedV4JkWgDP3BT6pj2cp4OPqYydM"
    "Pv3s3B2cYFtPaULTnwiXXRz5JFZBVSRlvbhLCXroNnUm+15JuNxEaHZsOQMZkYP+GRkkWl"
    "xZRg4YVIcF//kFgb8dbe4tha3mX/XENJ13VtmuUcebIMXwPiXZoDDSZ+ZxeUpU5LA6VCwf"
    "BqxO/QrfEMw4DgXsOCVWOgLlCEeWZMymoPuQkVzKhUpQzmKNm8sl7XZYt9PtTvJivZqVrV"
    "s7Lpinc0JocyG0rM6aq1/tGUUPNd3tBwiW+ZPdSq+mdyv+GLUAlR4G09GoApQbNcp/bjS3"
    "Ev0gedlCTGajtBjuCs/4VEUKE+MGz2wbb8hoDgKbDtXP5PBRjKRcJ7I4O9Na2W1qpf9+Rn"
    "anaHfMpKLm3EbSpAR9FDRbrwsxZvd0I49BgdCJlo2VqTybslnqZcoDr/mO2Q47IsBvWMgn"
    "syqpHd9pFNU0a/OUkK4He8ti7dkSLRZOXRdoz4zkr5dqjyysLg1Q/7EbJD2UbOdXVy2+eG"
    "hVX1oK7xXyfKoqqtYjXF1KtQ/ovjhrw0+hVb3mcFbyxsCIUeXZOX+7/fSxJpoqIymg7PFJ"
    "RP6P4GGUR4h2A7gIBvZcH09eDB0f6ONoMcUh6eCHQwuzP/4fhUgVsw=="
)

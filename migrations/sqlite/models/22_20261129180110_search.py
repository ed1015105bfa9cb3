from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    # search_terms is not one of the models: its primary key has several columns. It is written by hand.
    return """
        CREATE TABLE IF NOT EXISTS "search_terms" (
    "kind" SMALLINT NOT NULL,
    "form" SMALLINT NOT NULL,
    "tier" SMALLINT NOT NULL,
    "term" VARCHAR(24) NOT NULL,
    "subject_id" BIGINT NOT NULL,
    PRIMARY KEY ("kind", "form", "tier", "term", "subject_id")
) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS "search_entries" (
    "subject_id" BIGINT NOT NULL PRIMARY KEY,
    "kind" SMALLINT NOT NULL,
    "tier" SMALLINT NOT NULL,
    "text" TEXT NOT NULL
) /* `text` has the folded words. `subject_id` is no foreign key: users, hashtags and posts share one space of ids. */;
CREATE INDEX IF NOT EXISTS "idx_search_entr_kind_eb1309" ON "search_entries" ("kind", "subject_id");
        CREATE TABLE IF NOT EXISTS "hashtag_posts" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "hashtag_id" BIGINT NOT NULL,
    "post_id" BIGINT NOT NULL,
    "author_id" BIGINT NOT NULL,
    "counted" SMALLINT NOT NULL,
    CONSTRAINT "uid_hashtag_pos_hashtag_51ea15" UNIQUE ("hashtag_id", "post_id")
) /* One row per hashtag and post. `counted` is 1 if the post is in `posts_count`. */;
CREATE INDEX IF NOT EXISTS "idx_hashtag_pos_post_id_b387ff" ON "hashtag_posts" ("post_id");
CREATE INDEX IF NOT EXISTS "idx_hashtag_pos_author__bbfddf" ON "hashtag_posts" ("author_id", "counted", "post_id");
        CREATE TABLE IF NOT EXISTS "hashtags" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "tag" VARCHAR(100) NOT NULL UNIQUE,
    "posts_count" INT NOT NULL
) /* `tag` is the key that all spellings share. `posts_count` counts the posts that everyone may see. */;
        CREATE TABLE IF NOT EXISTS "search_rebuilds" (
    "id" BIGINT NOT NULL PRIMARY KEY
);
        CREATE TABLE IF NOT EXISTS "recent_searches" (
    "id" BIGINT NOT NULL PRIMARY KEY,
    "text" VARCHAR(100) NOT NULL,
    "user_id" BIGINT NOT NULL REFERENCES "users" ("id") ON DELETE CASCADE,
    CONSTRAINT "uid_recent_sear_user_id_6a17bf" UNIQUE ("user_id", "text")
) /* A text is kept once per user. The id contains the time of the last search. */;
CREATE INDEX IF NOT EXISTS "idx_recent_sear_user_id_daf37b" ON "recent_searches" ("user_id", "id");"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS "search_terms";
        DROP TABLE IF EXISTS "hashtag_posts";
        DROP TABLE IF EXISTS "search_rebuilds";
        DROP TABLE IF EXISTS "recent_searches";
        DROP TABLE IF EXISTS "hashtags";
        DROP TABLE IF EXISTS "search_entries";"""


MODELS_STATE = (
    "eJztPWlz2ziWfwXlLz2zpXY5vpJNPrkznenM5uiN07tTlUxJkAhZaFOEhqCsaGb7v+97AA"
    "/wNElTEsXgS2KReAD5AL77+PfJUjjMlae/SeZ/plOXnbwk/z7x6BL/yN8ckRO6WiW38EIQ"
    "gp2sYZi6Qqcy8OksgItz6koGlxwmZz5fBVx4OHTyH+N7tp2QmXDXS0+ShXAdEiwY8YS/pC"
    "7/F3PIHP6EazQgS3rPJMGHkoR6DqGO4zMp4dfa4/9cs1Nc1BEzWJV7dzuY/6v31ZuwJeXu"
    "hHAYQx6Yz+ecxUNHRPiELVfB9hXRA/X6MBhW9dTS3BmRzYLPFnjVExHoKbnxor/148iAuy"
    "5ZUPnVCwSZsmQ1AOQemayY58CLjvUT4azMZ0QyGEddorYB3mlLmBcwX60t4d2I8MI38dkD"
    "l7AT8HzezGcU33TDgwVhFJ5utqDeHYyew3tq/OnHmlHfkUQuxOaU/O+Cu4xM5tQbi3UwFt"
    "4YpnHU+z4bEY9tyErIADDlI8qDr97G50GAiBCAd9cVG3jGH8icMUe+Igirnpn5sDA87xJf"
    "c+6LpXp4ug4Wwv9BErHxiMtloN9CrTCeibUX4EbDf7AeIE5dH8HDheuMUwNxfyczV0g2nv"
    "scEJm+DStJppEh14AMCnuzdmDcLMQdnHoWsDGdA2rHS6leWbKAqAvqceEp4S89Th86OlOz"
    "v4xfyYO9IDxAWNgyyRx1gvVhGwfijsEYH87xl3/AZe457BuT+PPLCX2gAfXxcJ3AvS8nmR"
    "3Aabhz8g+EW92P4dC4TuqL5mqIuj4Otit17Sd+99YL3qix+CFNx3rbk/GrLeDFiwG4F+DV"
    "OwYvSuElje/cW7tuSA+iS/q14ELgr1n8Pk5ywWFzunaRWiC0foLk2sl4/OHj5/Htz5/H45"
    "McJYkgjI8/vDQTHlIheFapMHCHj/Djf56fX1w8Pz+7uH5xdfn8+dWLsxcwVj1v/tbzP/TD"
    "JOjSUymkvf3r2w+f8YEEkDpNAPHCHwoGNklDqW1L0I/fpvo7twmvF9Qv3gITJrMR8IJtNi"
    "K6kOxEQqb3sRVL+m3sMu8uWMDPi7MKLP/PzafXv9x8+tPF2Z/TqP4Q3jlXtxDpeSSrr6QF"
    "oiO4bpB92FOfQvV1HVRfl6P6OodqxYGa4DgGGOBJPr+6rIFfGFWKYHWvAMNNT3IKaHDHeI"
    "d4jiStMQ2AuTdjlWUztGKeIXZ7c9D3yD2TPUnJuU3Ofw5wf9Tm5CS3Bf0++ClcNSU0hcC7"
    "QnaO4hwfrqmUG+E7Y1DuFo3wnAUcIPt8fl4D4c/PS/GNt0rQrVXaVlS9fI5ulKJDb8FBCP"
    "scnmXcVA9KAR2UoO/i9D87qyOcw6jS86/upfE85aIJhsPhg8PtVS3cXlXg9iqP2w2bSh40"
    "OsEGyOBwfF4Lx+cVOD7P49iwdjVAcxpqcJh+dl6LUpxXUIrzHKZ94TY6ytH4PWIXzTN7wv"
    "B1HQRfl+P3OieJJDbmPJbLZY801P4EjrPdShvnzy6fX764uL6MhYz4SpVsUSBHFJj4G+C3"
    "DPyAiD7rD3LLnCQNEFw1hUWyeQTbH95+oLTXBAItFO3Qm4K06M2RCJ/hm7fRq3OgVp1urU"
    "5H/vwGx9sEsZRYffB5T3oal7dL6rrl9CIPftR4vTh/fh2jFH9UYfP2/c27d3mUcjle+Ry0"
    "sQLVohqbacjvHpEyoMG6gMCW62cJxB41NDoL+APL62jG9W4U4Fr6b4X6m1XP5FqiJwPYEb"
    "B67jZmZsXw1vHXlqFlgqyabUYB8I52YpjxSxg7Nr83wpfwwpTO7jfUd8a5O+JclI3N31qe"
    "L7NXqEfvFDbxvfGBw6DTN8JfMv+3MCanNDa1aNioKkp1rgDGUbBP3YBVHD/mOsTRwyBGn/"
    "E7j9yz7YhIoSMkVYCpirTE2MkoAjCM/iNAkreS+Awmeggj/tIxqztZ4vGgQhsr2O9YQRvG"
    "tvMwtvDLa3bcDSCruz5Bd9XEqqXkVQi+q+0YJg3qCb+/ZRINEqWMPnW/ksNLPbImZ//E5n"
    "CIFiQQ98zTGQsyANYLXFWS219ufjy/ukZuC9yT+8SnniOWZPJ7wCevFDdeoSlFrCWmVyDn"
    "vmerAHm3zgV4YL5LV3lmv5dVVcLCEvi+cMLEB8ngmMGmAkaEPyGSbslCbHSKiMYa2cADCN"
    "BmmPMqNx7zFTDJRSVIiHUQppRMfIY5Ggw+wVli1FPDN5jswAOpslKIS2UAjw7P5xCd2pIk"
    "TNA7OPsjnXqBaRx6TVk7M8IgxzYD4tD0vVyq8fXBbxwBl4UbYADcdZ2Iw+vygMPrfLxhSC"
    "WaxxtmAQcXRdE9sn0RtHWG5EAH42raszSpmADIF0WuvmqNKYEa3FHfTWiWzlhtgmYDZHA4"
    "vryqgeLLq1IM4y3rW+0hRUGRFY2FrTaiANhuReutYN9WHAhIq9ysLKg1ETwh2AB01nZiTh"
    "bU+mVaboJW6psw3wRij7w3Sp7J8+DUnX7G7KZsH41871nAYWQfdo/hQrNRU5JSMoV1vj9J"
    "h7LOkIOZ39M7kd+GN9ov/F9sq7biLTw39WZFgVJF5ZuObB/+iA5adDX5Sn26ic275vkDBG"
    "i/uKLSN7evb/7y88kfh3Fq/Ix50Z/Rxl/q18gOGVW5NnSetXYa1HNvGGWrVCkis9AUXlBz"
    "KaO/BCoKPwsCE1pN0dBmv1r7KyGZNd8fniKNKsz3xjbVtiUnIAM02ncvFanPqbHFPg01vJ"
    "iPzs31tnTRzkvqWHtND8R5a0fuxTZYrcpqVb3ZhyFoVbfr1cp/JGaseODocQ1LJjA19axf"
    "qAraVmFOGGolPHdLKFbxXYRxXEmt4CmbURgIt411iFgHLn9g0iwZm1fGdrhOgcb2JXLaxp"
    "JlIFZ8pvUzG0PeC1I3qlDXsrvX0FU/5GirizpZZBflWWQXuSwy/Wk0wHIMMED0dq8XW0G2"
    "P9LUgfj+twBTW9y3Djp8gm053y8cWM33QxAQdxQMr50ZJtfT39ksULRSGUnT4dtwRa5DZo"
    "2B0Hp+eGM/GrBivhRe1DhATaG4OpbaVxXzcRAy/ALT7J4XLxQRTC3FFw+whm8FhB59vVUC"
    "QrxhDdiWCTNAztW9YGB+pI0CCTJw1qo7CKvu0ZUttpKXNSF+f6i3JsQBmxAB9c5bpzoyIz"
    "emUoFQYd7caRSc8VZ3BkPpbEpxQGKx00EVy7UMsIEWpkrS2YytVLUHzJQMG059Yg5I7K6A"
    "YSjf40x5LWF3y9jqEn2mYFWCv40y2I88an3gfWHfhyprgMHgb1QseEVtg+ygSlaTCjCvyW"
    "puiC82cd7+hHk4mZmpT7GN4Y/rlY7r2yg3U0BgoTn3l8w5JROVzSQDtopDAT22YcASAr7E"
    "8gVshYaigspGe177CUypHyK2ZU94xH3WKIk3gRigTWonKbxWre+FWp8ihw1FhCyozXppuw"
    "sxg2m2AykwW7VhT+LZY5aYjx77LOCffdhhDsqsd2OFeZLA+wmE0wfmb1/Dz1KBNz+oUuD1"
    "w+Hwok5Nv2w5Ch/zYeIaWsW1Tsz+0IsqYTHZsQbyYgpogCJj97aMfihHh0ay9T/0Yh+O3P"
    "9wCxv11gPq5OIHW84oC8dV8koJEGPuYb9SDVPTQBSvUbcaZcC+BafkMxZwRD5K9DevoeG0"
    "SRaFGHlsE1WXzNuG9resLSJ5VOSviuFb58VeGL7tn9yr7+HYyv8ccay5wx74jBUKu+U4Tg"
    "G1QnPfLHHpEod1TNCX5Rboy5wBGjj0WCMtj+bq/lBpyMHY3broFUWDAGt0F5DpUmyaIIPB"
    "pW1yOCyeZyMp+rAL1gZkbUC92YcjtwG9dYDrioB5sy3sV6kJqGjYqMoCxBMA7AFVOxYVsI"
    "Rxn1xHi8JwT2LnRkwZ1xYVNp+zWaCakXmMK+sL+8ZlIOPYniAyyxQFoXY6v+ptAm8XZb5F"
    "iW06OGjmcvg9Un/7AMhUBhz+ApBXZDKHh2L+Cp4tmBDlWwrhhAd4C07JBPgFnNWoHZueZ/"
    "PViwOUQtYOI+E1Nkw3R5EUO5vokFk93XLJ9QvxAAcsuZSwNOFh8p0vZlhKDSe8566rsTNl"
    "wYaxukYra6Pqp40qOptNNEgTxtqnHrVPGV9xEyxnwAZoENlBc5OIHDajKSkwK/u1Frs1j8"
    "nj/jP7VqbTxxBDsERVIPDzz39X6FtK+U/XPMZ/en/zd3XCl9vwzruPH/4aDTeO/et3H386"
    "Qp1/mCy1J2H7vwoZlErkyc1KOXwFw+oWkQg7+UYx8QuQZzEsHqcgFPvszVhB9Yc6UCgo35"
    "DfxTTsFhwLszLdQ1gBofRJg9mCyVNyoy8piRffDk6rQDFZiHviYHGIe8ZWarZl0p8YxNwZ"
    "RRH2qwe0XzlzQdyGBwP5fDzdGvK0F7p1QxUg1Aro2oEpXHGnBXxsQ4YOXADy8MOSTOsChN"
    "HZguA9wDXRrqURUaWsUJSHwe7aYc5LeBh8GfWoav4Fv0O1AvsWkk/Mg8WwxBcBUqnqZjEH"
    "RHxd82LFZ8HaR3wGZBL9SHuxJq/UsUFp3mMP5SUycm5mrFkvrKO5HxSnSoifUf3gDRivAT"
    "IIyXLfrHeJinxYdq8uzk0YK+40x7nL75G2Ifls4DbKQFnPUc5zJJZ4MptjNg9okZvzBwHv"
    "bpk1k4G0STNt1dJisajZbpTPYfel7b5EYnMDkmOCHJDYnPWHwKSUq2ZnOgdqj3JryxcohM"
    "wrihCqqF5rwOyz29166up6rmn0G9f7Ge1mqufNDnoW0p7z9ufcMAnU34AUmDWwdxVcodFq"
    "wytqhVekzmCfAizQTvt2SSvSazIjRo+Zc8ccB9c16i5B06AYghHHEMyF6yS1d/3EABmaPx"
    "WEToJ5RSYP1OcUNiOskfK3248fiMtlkOTE4OvIAsPwPlcuzKfVyNJUSUi1VC6d9stJ/JjW"
    "AnpYPlRRIDjavdwmVEdom3BD4ktdhGgnx76BUJsCGoRlOSPW1ipx86yixM2zfImbDXeCgg"
    "ic0lMbjx/Ske1MIwbCf7doYsdMACw+C/A5ddd+0xAxE2aAVKD7yCXqBmPMGW5kQDBgDloX"
    "fEeEtialrSS1OVobyYxNHHcmzCBO8749d4ac3cDkbgjnA6LLhzUZIFI7MBikYouObB/qGg"
    "yM89cnc8F7lLBLTQXG3VGVmUDJ6fUMBL+iYVguMCFgKR5U6BYWSg0EmRjGhsmIrD0nzCiQ"
    "8FCEY9qBoeJjboOhsmMlDKq0fr8gaGwfi2Ls1meV/6Brc0S9hrSrT43FhNMtrOFi/sMEvo"
    "pgra0NE59RZzvRJT64o1Iy4CxpK4aq9hrOtl65gtat+PrlRGy8VG2PEbH2h55Q1VGF/UGf"
    "jCbCWwIxCIli184fKx/vST4+JqvP/lD9Xdp8jiXG6igMPseCzOOx9uzp6+/e1mNNEIcwQf"
    "gCELFUtXmbnO0snD3fj57vCGUOCxq2OcxDDg7d51dXNfANoypaH15lMW5qjfV1QBPKWti6"
    "srAprHZgYvseYnLME9gnG9tvymjzK/XLsyuzQ0aVXffU4PEKRteNysHl4rAYoTrsRkEw6S"
    "AZPbfOa1xo2xaZbjGDcu6LpTJa+cGEFFW13dUixbXrNQ70ZqvxtnJ9jyjaqNq65RfoV1U7"
    "EINYxtI62Fb930B6isYPQj/YeZsAkxzVP9cpMHu2uxKaNFq7kJrUREOXm1KnsH+C0yNCU2"
    "2BqaashC64OfdlgF65GeMPzJmg4DLR5GMSSipG4X6QcZQsNspIOxP9/yQSe4xw47z0tJ9l"
    "Iycld7ScRoP0KHWFYg23FZ6BSFKbMrjCYCV0gBY6J1UFGOw6gP7SgCLzj0TBr56uTPeDJC"
    "Chj9BjynU9OYll557iy9Rvah2ZfRX1Qo7baAsSGMsQWwt7EQlphnoTajC+jD1jPiRJDQTt"
    "BGKAovZOvJ3Wfb83971m5U18SybMIA70vn1L1vzeH03Smt+P3/z+WhcWKlUjU/dHVXpkVK"
    "KoptE9VQHwpS71V1z4D5Q7slnw2cIsOgjgcUFtVdhbFQHkASpVGC9KhI9wcIG58wJz/F6X"
    "R8XydVSK0GX0AcsO4voRPCh/6/rKnhmtDyqvF9i6gb0glaMKZS+1UQ0SM0wwW0ujrd4RVv"
    "FvIqkZIFZQs1UbjwLnPlu5vEXdxhzcYOwb3QW+2opIB6fifa6INFSJxiaW9k/vtoml3SWW"
    "5ulL/wwa+6QtR1/i6x2/L6/uldwcVZkyVB3rWnaMcrwWB+YZfQ/Dk5mvgWWcWavRH5r/Vd"
    "bBsvzQ9hz9DlBfFUxme47WDiR7rOdoVti2It4x1w55I1xXbEolEfN2pSwyVwN3Io3oqRNS"
    "qn+yYqnEvJsMVrBRtJl5P3PZtjbqBymvEmiyO1x7HzKAlrs+JT4q9UU23QIr4HQt4ESItU"
    "JOLWacOYePCzoR7bD4bYJf1luB5xMDfFZ0yiwYVUP8GfsaYCdiUDh3fGgD6sPtYikouYc7"
    "YwIqaSd128o6h2as5bJOds+bhIGnIS2rbS3tpL6W+juQArPo70rSiQ+2ZcW1WHGWEDwu6+"
    "iDa9FbC72pr7xPcs5Prpjdl8o3xt1KuWaK43YizqiZ41OpfznF0oxxMx6aCDPpiaw0c2jG"
    "WS7NpPex/jak4SwrbS3JpD+VphtgRcmuZZkQr5bV1mK16VP4uBwTkg2L3QbY7WMFiffroD"
    "xUJrlZKccsYdhOxBicODqS+HeJCBPfCocl4os5gRVeDs0ry4UXcwfrb4IJZflma8HF/Eia"
    "Id8KLV0LLQqrlqnWYqrmCXxcYFHEwmK2Nmb7KKy8doVkb3zOvPKaV7kxlaLLDEeP52r4Tk"
    "SYVK0CtUxJaE18b2QkiishJlvXyQox/RRiUlvYIGzDBLOctLUYY6uC9EeMsVVBuqwKkoqV"
    "UdTCorZepEyKqfZIkLll1J8tfvYCf1sqyOTGVAoyUo0eMxjOaxpjTiZY7msSFxhXZdYcsh"
    "G+I0/JRK5VgXKsjYJ1Kj0BA9QZI/ds+5JgKLscIfAioHdSFb7EMGxJ5AJrcAqPEbmiM1X8"
    "ksOMJ5mtPcDydQqr3HP9eSXrV0hcxqBGXCcNZyWwjiSwaO/SG3G7pK5buhURzJCY/8X58+"
    "sY8fijCtW372/evSsIzOFFHLwalxGMxWUGl4WlGMtroOy/DOPumXURujorgJITRQ/D1n/R"
    "3CjJuCpg67kxlWw95G9jxdrqcfWPwPmwd++K+RF7jLkj8FVV34VppvqM8LAHL9zDC9zT/X"
    "7DMjCTPNPudHasifYhxdjlS6KENGxETDWg8OEvZPdkuYafngj0EPUcUhVdE+uAzITvA0tF"
    "QF2UbV1eOvtLjNfH8rBTKe7hy+UgrDGmf6JAeoPrb0PmYAyIkdlSMYP+FI6jRNJ3cPANLt"
    "FEdjaZy4CQ31Z87pdE95g0V1+Sq22aoXdxpziQi8K+I65L5Iq5LiA+NHScpkUqLffIWOwK"
    "W5iwB+Zv0SSypFsiWUF3lX0s+Lj5xUpT/ZSm4HDk8V/eSiAc3o36elj0775Xg/E15XFcKS"
    "nZYp0x7nvFND6xGfMCbb8v5Rz5QZXsw1fDx9rMX9fAf0PQkoRU/Z6tQJP2Zkwp7qhNn5Kw"
    "zVVhtyr826WgbusF8/yi26kfK5SmDGJ57dwYYXXxHnOPhp1oBmX+3AMHsaXQ+hL3YEuhdV"
    "cK7ZCe+U9suuZueZBhwahK7h16530NsINAQ6tH9YY85Dlhb8TSlfCD11SWJ/xkhzwikuLg"
    "8QxG17VqiBXzxvdsOyG4sJYLw1gIApoMd7XvBmZEydJnUrgPzBkRKaLGq9FojBpB+wLOqA"
    "AKTBq7XA1dVxP2bcb8VRDbTZRIvFnAmLB/q+5XqxHFnLDFkLKzKsMIw/ZC8Hfoz+L12/8A"
    "BwnW0gq+ffzc8+FBCpMNBOAs3AAF4Rc1xOAXpULwi6wI3KdArEPj+ftx99mOKHAlZEJ5zJ"
    "fHFxkggyAt+wgxSlGbmPvWpugxxB5b66K0cnKM1DwS3Jpg2ITppG9Yj/wOF+c18HtxXopg"
    "vJVxUruUL5nTppdVDtSS7tahAiEqaTBeFpCTOrsQg9pdGGK8zDB1pgoLqu2/NID+S9qM9I"
    "iVqbaFaSd52WjEiUv4KvOMXxQBbC0r/bSs+IxK4TWRDxOIQag8GbfidR2v4nW5U/E6JyDq"
    "puRNMGyA7FHJ2Y+Cc1XLb3tV4be9yvttDRrUQPBLgKy5qrXMZ9L8RujPAFq5ryO5D491B1"
    "JfgQPryL6HusKfQQcerxoQnVorV9dBbeYb75Nk/R7+A4TDi9/M8N/y0o2FAyul7WUMMqYK"
    "pqZXN5fBRz0CE0nmEDpTEaqJj1MnChI4ZFuVD6iCAcUdmW4JD+CKk3fjdju98tvC6yi9ST"
    "luz3B6NVKs8P2Ff0omdCrWce0B5bVVGAn9wh4BLDIKRwxnhZEg+jCdqOgzCTMoLCKomgcW"
    "nTgsoNydwHOusNQUEZ4xLZY7wEry8OFNVDblBLMFJsTl3r0ahpmOr3S+49wXSzJliBLtvl"
    "7ASSYL+sCIxzgqOOURldEiRYmOIUoilzIWnkrpl9bPfGjppVwbMjevgQHLgLKiZHvzofqE"
    "myhKCcQQVdE6vopn5b6KZ3lfhVWTDnW2bQCLDWD5To56n71A3wH6PRE0ojDR+MFZGp+d1U"
    "0RqcwRySeJYMBrYzezCWU9zK39/D5DDLXy82dBLY15gtH3GJxGBXSmx36iJZOS3jUi3QbI"
    "QLC6I5KtbUZNUJtADAOz51dXNRALo0rxqu5lJL3QttdQ0DOgdsQJh2q4MrScyADZCPUmlB"
    "VC2uIeTcpNaEk0fhiU5PqyBiG5viylI3irNwUmbtYOD16j4b/U/5MdMqry/FAcPFaehHou"
    "n7AK5IhsFny20OWbVaob1p/eEu5J5gcFJZ8bwHWc5FpdfGto/oj2RWsrktkOQ7ut6nIcxH"
    "tvhtdhUXLlRy6n4sbtagquBtZNw9YOqMi9TVVB37Ayj2IF6DOPaDSmPqeL7xeV8u9ixkKX"
    "dTxxgc/aJkH3h1RVOqfDHWy0Cykwyzna2x7LAnnL00MPEsi7+7ivIhza9NAj9JXa5MVeEB"
    "abvNiDXehr7bdhyjkVAez9LP3Wx/DqnlZ++yACPuczWhlWnR80qlLLPGN4TeUMS6fqDVVl"
    "uJf0nimFiq2UI1hFDD/wYKvqUZnzn5JJQH3QnRItDIOhR/B/KNAlrVTyGtx+lsXoa+6NAW"
    "EvyVnUHsZnM77iONDhjurvsqHwI1hg6DV8HVEgN0C9iqKh8X+PwJQPYV0vgSojBkN7HmwC"
    "PKW7hdUi6xNu9nLKfJle8AeZepWwdjm2j5MLsfFSC3/47d27JFIcV5OwgMulKuwV97rBCw"
    "paRo/6Ki56yxGn8CNqbAPPqG54bMMQY5uFkIxM9OQF9dXjVX2mDpFemM4D5sfB5GqPsPTY"
    "2nNgq3QpXkSYiolPapvpjY265cSQqtNegE+E60TofBk36ZtiwbI5YRT0+PAu+dOvv93+Mi"
    "I/v795++7PevYNjTALR0eoTkH41sxzcMXfxRQmD4v/jKJjAn+/JCsXo9nDzRqRKZtRODga"
    "XxgYHx0prJ42ZXHUvzIilxsR4g2PygmHYYlmBHR8iHXsexakInQ+O1SfiTRQ0ZTJOJ9RQx"
    "iqhoqePXne4iVHSRy/UWYpwbU1mBxWhOudod2K0wpVyJwau49iqP0Zqp5l8f7sybjupNVh"
    "w0jxAUeIdx9slaL59UlDCsyaUlsTB1vj8MBG7ObmvhScxX9b/CfyZRO2mEB992wx1tia4j"
    "AFeMAuP2e9QKOpGucxWYrELNhR4/FJHZJSRDXU7pseSRPuqDHZzYdNW7lA0nCWM9nUmqPe"
    "hv5WIBiq/cgkQWkLYRMilIa0H0BX3sAYs/1zCR4i9KZGyaX0SXy8pJWiHf3Dbh8driaZ7Z"
    "PH9a03Fd9KXa3G3VGVj5XjuLodiMIEBNWqMj5zp+RtIIkrZvfoUeTU5f8KvYoo6t7h30L5"
    "PUsdh6WZDjtZ6AmpEf0IF7FOnhPsgDpu5+nJgQ6m+e8heHYT0vdYtA989J8F/LMP1nPQb2"
    "g3oT6dhe/86rM58/HzqBXIkx1eyW5McjxexZAt+A8iRwU1qCAXFTfh8Pkco1RUkT/kC+HO"
    "RakTXBL2wPxtFHtRzXe6WuDR7sx4rG3l9P4QuSrGYx20O3TQrtZFaXrV5tQI5oA+kr4knx"
    "pNzZaFlS+qMRkDWVQOI6Slf8jsh/50aCraBwtbP+Pte2lc62nA/V/YA6+Q0M3blRK5owbW"
    "FMBviM/uOI7S9bzFPfMwovkN99kUO0G/dsXaIe9VjSpAfiQYT5krvDtloFFtpOF+XA9czw"
    "h6gIN9n1E9z8vle1oXA+wx4lvPz2UU0x8WQL/95ebH86vrJLAa4DhapLw7FUOOlc0x7B2O"
    "MwHuIDbylNwQjeAwPD16AgzpZjDQIaAVyK+eJwhKMmwn1TusfrA//QBPzrhpvYk0VDe6Qo"
    "8acHZTcyIVyokIa4zhgSpi52eXdVKEcVh5oTd1M6OOuTSYC3/ZBM8mzABRvYNOYTYCox9R"
    "AJEw0C4cKQ9tN6P1ZoRCUvNq7ik4GxLTFv99VdOHifmj09KP0lVWQF86wOytnmngyE3T1T"
    "4ZQf4mpqUWkPjeqMr88buY1q375q89zd7DLmMuwy45UY3/icp8R8VQGSQCvmSvwjETwh3m"
    "qXzuMF4FK7hoK8RCwHuqi5jXnTN87GvRxy0OX05gwFphE+st6Y/C58LnwRb/jh9UZ03HY9"
    "IPrG/mZ5pzj8tFLD/Z7Oqe2jfinaurEMYAA9QGL+o067oob9Z1kWvWdQ/v1QS70fgBIrd7"
    "o9GKbl1BC/BbXsvPABkEiitQupNafiaDaOTVN+AGE5/XhQfVYJj1KETCq4dwfnfdLDERYh"
    "oJGSkwa/hpnwcVBGy5CgqwX54EZYAMhlJ0l6TqU7lonPCbgbJozSX0o07ThArHAINruHdZ"
    "p3fTZXnnpstc36aMwtiIEOdhB3N4912txRd3PpMF+K+Qlg2YVge9ZznZ+5aWF1wGwi8Qls"
    "tRboBYjDfHuPW+9oLYZKx/jfYhD2vLQewtpas7S/5/o53wFpXVUoN+dsioyq6v7I41Lfs/"
    "iWChbOcyb07Pm+QfHf2E6D31fwO5Mho/uJCxrkyr5ZbsFUZwtqI4WUhLb9rSfZ233Y79Zk"
    "Et+z1Gsn87A9a9dsuJfnpAJcmX4dC6/lwPpOqx4V/lMutJ5QGhzgOGAMiomjlM6kndXUn7"
    "UsOuixUu3N2tYzlNf/xM5Zwmvf/NyFwe1tK5Y6RzH+C/imx6p17uvFObtqkqF0hs5Np/4F"
    "GbB2Ueexl2Tfim40CYj80NkLLoVghcZbPDUXpQPySZ6YortLBz4W7WwTyciQ9HegOvN9Gt"
    "HriHGrdkckTozBdShrPCfJJsmOtiro0rNjDbA3XXTOfjYDmYuKcC1rPlAXY8iFpMUGyUwb"
    "56MT3GYT5DmwpzRkT1q8CeFoBn7gp8Uhd7KeDj6rYTJp1+cu4ObnBTT2kEM5wIl1103xUb"
    "ryiSspzdxQADdJtak/2gOFxqIzQ5brgDCZBF/RMySDS7ahg5YEAdFvlPLwj8/Uhzrymomn"
    "/VG1PV76xwXKWMN0OI8V0M0qIw0ifmcHlKVOSwaiqWDgNWXb/8V9hDeuUL0DglVjoC4QhX"
    "lmTKsLM0mci1XKkE5STWuLpc0m6XtZpuf5IXy8Ws5Nw2o4JpOMuE2jOhdXHWXPlpTyAGKO"
    "l2HyCYp0/NTnoxvD3xxygFqPQw2I5KESA/qJL/c2N4I9YPnJetxGwxiYvhbrDHpypSGBk3"
    "eGLbeEUmS2DYdKx+Rs1HMZJyG/FiBFWdIbXdppT772fljkuiPFK+a2BJQ7swqag9b8JpYo"
    "AhMprO60JM2R1t5THIAFrW0lqYSpOpJkc9D3ngM98z22FPGPgN8/lsUcS1wzuVrJomYx5j"
    "0uXI7pitPZmjhcyp7wztiZH85VztgfnFpQHKP3YDZICc7fzqqsYXD6PKS0vhvUyeT1FF1X"
    "IMF5dSHQJ2n53VoacwqlxyOMt5Y2DFoLB3zt9uP34oiaZKQDJYdvgsIP9HsBnlEWK7ArmI"
    "DJy5PJ48Gzo+0u1oMcUhmuCnQzOzP/4fLYCpPw=="
)

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS "audit_chain" (
    "id" SMALLINT NOT NULL PRIMARY KEY,
    "sequence" BIGINT NOT NULL,
    "hash" VARCHAR(64) NOT NULL
) /* One row, which the first entry inserts. */;
        ALTER TABLE "moderation_actions" ADD "sequence" BIGINT;
        ALTER TABLE "moderation_actions" ADD "hash" VARCHAR(64) NOT NULL DEFAULT '';
        ALTER TABLE "moderation_actions" ADD "message" VARCHAR(1000) NOT NULL DEFAULT '';
        ALTER TABLE "moderation_actions" ADD "detail" VARCHAR(255) NOT NULL DEFAULT '';
        ALTER TABLE "moderation_actions" ADD "about_id" BIGINT;
        ALTER TABLE "moderation_actions" ADD "reason" VARCHAR(16) NOT NULL DEFAULT '';
        CREATE UNIQUE INDEX "uid_moderation__sequenc_e8147a" ON "moderation_actions" ("sequence");
        CREATE INDEX "idx_moderation__about_i_284d00" ON "moderation_actions" ("about_id");
        CREATE TRIGGER "moderation_actions_no_update" BEFORE UPDATE ON "moderation_actions"
        BEGIN SELECT RAISE(ABORT, 'The audit log cannot be changed.'); END;
        CREATE TRIGGER "moderation_actions_no_delete" BEFORE DELETE ON "moderation_actions"
        BEGIN SELECT RAISE(ABORT, 'The audit log cannot be changed.'); END;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TRIGGER "moderation_actions_no_update";
        DROP TRIGGER "moderation_actions_no_delete";
        DROP INDEX IF EXISTS "idx_moderation__about_i_284d00";
        DROP INDEX IF EXISTS "uid_moderation__sequenc_e8147a";
        ALTER TABLE "moderation_actions" DROP COLUMN "sequence";
        ALTER TABLE "moderation_actions" DROP COLUMN "hash";
        ALTER TABLE "moderation_actions" DROP COLUMN "message";
        ALTER TABLE "moderation_actions" DROP COLUMN "detail";
        ALTER TABLE "moderation_actions" DROP COLUMN "about_id";
        ALTER TABLE "moderation_actions" DROP COLUMN "reason";
        DROP TABLE IF EXISTS "audit_chain";"""


MODELS_STATE = (
    "eJztXVuX2zaS/is4/ZKZPYpPW32x137qeJKJZ20n63Z25xx7jgSJUAtpitAQUMua2fz3RQ"
    "G8gNcm2JRE0XhI3CJRAPkBrCpUFar+fbZiHvH5s984CT/hmU/OXqF/nwV4BX8Ub47QGV6v"
    "01twQURkZxvZTF3BMy5CPBfy4gL7nMhLHuHzkK4FZQE0nf7H5J7spmjO/M0q4GjJfA+JJU"
    "EBC1fYp/8iHlrIP+U1LNAK3xOO4KE4woGHsOeFhHP5axPQf27IMxjUY3M5Kg3u9tD/l+BL"
    "MCUrTP0porINeiAhXVCSNB0hFiKyWovda6Qb6vFlYzlqoIam3ghtl3S+hKsBi0mfoZsg/l"
    "s/DhfU99ES8y+BYGhG0tEkIQ3QdE0CT77oRD8R9EpCgjiR7bCP1DTId9ohEggSqrG5fDfE"
    "guhNQvJAuZwJ+XzBPCQY3nRLxRIRLJ9uvsTBnWy9kO+p8dOPNcehxxFfsu0z9L9L6hM0Xe"
    "BgwjZiwoKJ7MZT7/t8hAKyRWvGhUQqBMjFl2AbUiEACCZx9322lc/4HVoQ4vHXCGjVM5NQ"
    "DiyfdwWvuQjZSj083oglC7/jiG0D5FMu9FvI9UcEmeCFfMnJiqvBORFIXVCEsr38S7fT04"
    "/nc7YJxKuk80CigqgAWgkeJ55aS3raJ4LdEdkmlCvq8z/kZRp45Cvh8PPzGX7AAocwzWfy"
    "3uezHBbQDfXO/gF06/uJnD7fy3xbVDVR1ydit1bXfqB3bwPxk2oLS3o20ROQtl/vJBZBQk"
    "ADAVfviHxRLF/S+OKCje9HX2Z8Sb+WvCDCDUnex0sveGSBNz58t0CtnyC9djaZfPjl0+T2"
    "x0+TyVnhm44pjM8wujRnAfAD+axcIXAHj/D9f47HFxcvxucX1y+vLl+8uHp5/lK2Vc9bvP"
    "XiD/0wKVy6KwXa27++/fAJHohJpqNZEVz4Q9HISdJUatpS+OErUX8XJuHNEoflU2DS5CZC"
    "vmCbiYgvpDORMsxDTMUKf534JLgTS/nz4rwG5f+5+fjm55uPf7o4/3MW6g/RnbG6BaAXQV"
    "ZfSQugY7puwD7uqs9Afd0E6utqqK8LUCtZYINxQjDAlTy+umyAr2xVCbC6V4Kw7UrOEA1u"
    "Ge8R51jnmWAhhbudqKzqoZXwjNDtzUI/oPRM5ySjcdqs/wLh4bjN2VlhCvq98DNY2TKaUu"
    "J9gV3gOKeHNeZ8y0JvIrdZSyuc84QDFJ8vxg0AfzGuxBtuVcCtN5etuHp1H91sio49BUdh"
    "7Av5LBPbfVCG6KgMfR+r//l5E+Vctqpc/+peFucZZTYIR80Hh+1VI2yvarC9KmK7JTNOhd"
    "UKNkgGh/G4EcbjGozHRYwNa5cFzFmqwSH9fNyIU4xrOMW4gHTIfKulHLc/ILpgnjkQwtdN"
    "AL6uxve6oImAXXqirMBFlKt1jyzV4RSO8/1qG+Pnly8uX15cXyZKRnKlTrco0SNio741tC"
    "WUDt5yeGF/1w7eDKWDNw8vOMFEu11JgdRtRlpvRmK/pMXyNkmOuK7P+7OWS/yQWSxvV9j3"
    "q/lFkfykcb0Yv7hOIIUfdWjevr95964IKeWTdUilLluimNWjmaX85oHkAotNCYOt1m5Tig"
    "Pqt3gu6AMparjG9W62D412DzWbh7xyyzcc7MBSHElRT31rYVZO79wmbQVaLkTFbjJKiPc0"
    "E8OM/oDIm8W9EfwBF2Z4fr/FoTcp3GFjVtW2eGs1XuWv4ADfKTThveGBo+C5n1i4IuFvUU"
    "RDZYxdWbNRXbTdQhFM4lCJpoF30H5CdahWAMFYIaF3AbonuxHiTEd6qUA5FTEGMWBx/FQU"
    "O4UkS95xFBLZ0UMUL5WNvdvLEI+HZLlIq35HWrkgoL0HAUVfnt1yN4jc3vUJe1fNrFpqXq"
    "Xk+5qOYfKgnsj7W8LBIFEp6DP3ayU81y0bSvaPZCEX0RIJdk8CHXnNhRS9UqpydPvzzffj"
    "q2uQtlJ60hCFOPDYCk1/F3T6WknjNZhS2IZDmDhI7nuyFiC7dST1Awl9vC4K+4ON2iQk2+"
    "BkLvT62KyxWiEI9ZqxDr3J0w0w8ua6SajTdXWk03Ux0Cn6wOwDnfKEg3Pfdg92yERbP0KB"
    "dDBemgMrYkoISNFc5iWr32ykVINb6vuJCdGH1mxgNkgGh/HlVQOIL68qEYZbzi3ZQ47iYy"
    "7AztZqIkqI3VS0ngrydU0lA2l1KCRP6nbXT/DTy+1eOzUnT+pcGk/Rc5yt72jWpexMFKfh"
    "J+32+C+yU1PxVj43DuZlcQBlWRZObB7+iBdafDX9BEO8TUww5vqTAGi3j9IYb27f3Pzlx7"
    "M/jmOz+xEOTX0CE1al2S7fZFRnudOHsLRNrKFfLs0uofIUmPkg4ILqC20xpDgI5CVW4ndr"
    "1YWlXW29CdeME2diOz5HGtWY2IxpamzvSUkGaFjrPpBcfU7WVrUs1fBcmp2b1Fxeg72ft3"
    "d7qh6o887W04tpcLsqt6vqzTwMYVd1u1mvw0dCIsobjh7fYfGUpuE+62esYhIBMZXqjwX+"
    "DmFItreMwhTSlH4zMseyobxtjIPYRvj0gXAzn1xxM7bHcUp2bJ9jx0qiWQq2pnO9P3Mhkr"
    "1gdaOa7Vp+9izdaUOOiLhockjiovqQxEXhkIT+NCxQTggGCG/3+2KnyPZHmzqS3P8qIHLb"
    "f+uRQFCxq5b7pQ3r5X5EItUdRUMbH3zgm9nvZC4Ur1RG0mx0orzCN5GwpoIj3b984zBusC"
    "YhZ0Gc31d1oaQ6ZMRViW2hEQj8EtPsgQcvVRHMXUrIHuQYoVMQevT11ikIyYRZiC2TZoCS"
    "q3vFwPxIbYDO0zmr7iCsuieX09BpXs6E+O1B70yIAzYhSui9t159ZEahTe0GQoViUs8qOO"
    "OtLuAB2tkMQ4PUYqeDKlYbLqDOBRTrwPM5WavDzHcS76gaxUfiSY3dZ7IZ6PfQU3GXsL9h"
    "3OHpPnOwOsXfRRkcRh91PvC+iO/jCJq3HlmtmSDBfCcVg0pZU9asVtzQlADyGDQWOFIcA3"
    "OnWiTI5gGH7EPgF9IGIbJYyD2nSqgREApcHZGvFGouQSUnttExfwxulEmaTvtX5Zjk28Xm"
    "rdh6pX1Xc5/K3yP1dygJiTJzwS9J8hpNF/KhSLiWzyagYNcDVIJSdCyQuIlnaCo/L7m645"
    "Qiup/tl0BFNkI8Y7R7kS3la2xJqEtB4QeQjkkxqDlbrah+IV3vaUU5l0MjGlnYQjaHeEno"
    "8J76vkZnRsSWkMBJ0d4zkjopGq9NGxlq0jgJ+qgENb5iG5RzZAO0U+7hlHHMDu14SobMGR"
    "la23e0jCli/4l8rUA+pWi1vnuWSq8GwE8//l3Bt+L8n765jP/0/ubvaoWvdtGdd798+Gvc"
    "3Fj2b9798sMJmjWHKVJ7opv/yrio1MjTm7V6uErg3tBTHGWj06tmipZSn4War9AFkhonC+"
    "ZlFWebUIGifIN+Z7Mo412izPJsHjxFBNonFvMlgRKx+pKuVivfTq5WBmoyY/fIAw/wPSFr"
    "1dsqzbFHoWYrqLBfAsn7VVaeJvVf4Z5ELaoDO0Iq8gyUctnY33jEeyW7hcdSg6o3WNI72C"
    "BAgdlmivLnM13U1WXr6cWHXqc7z7F+cAt5Z5AMQqE7tMRbwf45CmltirlJ47QMe8x9ek/s"
    "i1fkqAaTs6e7ygpsBSvTHtkioQO3kA3Doy0V4zylS/HddjfoalZ0sJAzurPdSi6QuqXc2r"
    "BhquTNZyBD5uxKXQWvaFiLU+HCV0rCVzJrsE8BLGCeeLuS92oNGEaL0WNWjAmFxk1tGSsp"
    "6TF4HhPX2YL5XhpXHkLZaLVxiH2BikIn8X2Npg84pFhOhiLH6G+3v3xAPuUizemrig+U2E"
    "MOOXJpvLsGS3MlxtVQhXj3z2fJYzoLxHHlUE3wezx7hUmoL75k0g1JLnVRiSld9gVQq511"
    "GaJBWHYOUPl5Sz1R4niuXLVJ+yEt2c52CpLx3y1t7AgpgcOzBM+ZvwltIyNMmgFyge4d9t"
    "gXE0G+WgVGmDSDS5Us2WRDTlvLagu8NtYZbQznJs0gVvOhLeeGnt1cRTaV8wHx5eOaDADU"
    "DgwGGZf6ic1DU4OBsf76ZC54Dxp2panAuDuqMxMoPb2ZgeDXzUxuqpcQB7tiDypiIWRbOF"
    "A+NYwN0xHaBF4USMuhbB+FaFtjiw8hvcaWHeoAYbXrD0tiJQ4xKAQ6fFJhv8ByeHKOns7F"
    "BtrJ/8hqLXZyDB/Cfqe60qyyNkyh8vFu+gxBB9RTkchyLWkrhqC6aqE6cL/2GW5an/DzGd"
    "sGmQJFI+TsDz3hqqMa+8NpVC0+3C6585QxTj8+kH58Slafw0H9Tdp8TiXG4SQMPqcC5ulY"
    "e062BJwzQRzDBBEyCcRKQurZ5bzP0bn1/ej6jiHziLBM4VOkHBzc46smNeBkq5q0PoUqcO"
    "ausfke0KRyFrauLGwK1Q5MbN9CTI65AvtkY/tNGW1+xWH1oaJ8k1FtRhnVeLKWrZtG5cBw"
    "SVgMU9nj4iCYbJCM7lsf51lq2xaa7eDg0CKEQtpynYViilhQEoCzp0HKc0tqDPRkq/YutW"
    "SPONqo3roVluyv6mYgIXGCpXWwrfrXQnuK2w9if7BvJTXDjpqv6wyZW9tdKU0a1i60JtXR"
    "0PWmzCrsn+L0iNLUWGFqqCuBC25BQy7AKzcn9IF4U1Bcppp9TCNNBfx5+ogz6DhKFxvltJ"
    "2p/ncaqz1GuHFRezrMsLGTknpaT8Mi20pdwZC6aA1rINbUZkReIXIkcICWOidV4gOJoPKX"
    "CgzCP1YFvwQ6IdN3HEkNfQQeUyqSspBP8mXqN3WOzL6qepHEtZqClMYJxCccEtQsxA56k2"
    "owvowDIx+xJAtFO6UYoKq9F2+nc98fzH2vRbmNb8mkGcSCPrRvyZnf+7OTdOb30ze/v9GJ"
    "PSq3kZn7o7p9ZJwipNFGshrfJrsdM1xd7vkC4RJX9YJXjGp2O5mJsjiZYJK5ZBJtFe8oe7"
    "ONqmKQOE3FpQ07CcxDsvZpi8RhBbrBbPA7C1bsczqaoUpTd6qvf5sed6qvu1N9Rf7Sv93k"
    "IXnLyedXekfvq1MrpTdHdftIlcSz+01ktuJutDKLCYiMNet2k8eWf7VJiJw8dAU1vwHo6y"
    "J5XEHNxlE8jxXUzCvbTsU75cQNPzHfZ9tKTcS8XauLLFTDvWgjuuuUleqfpFwrMe+mjRVt"
    "HOpj3s9ddnUd+sHK6xSa/Aw3noccoZOuTwlOyXyRtlPgFJyuFZwYWKfkNBLGuXX4uKIT8w"
    "6Hrw2+pLcKz0ci8aypzlXSqoH6Mwk1wV7UoKjvZNEKHMrb5VpQeg9mxiRU2k7mttN1ji1Y"
    "q3Wd/JzbxOBmKZ2oba3tZL6W5jOQIXPwd6XpJAvbieJGojjPCB7XdfTCdfA2gjfzlfdJz/"
    "nBZ/P7Sv3GuFur18yg3V7UGdVzsir1L69cmzFuJk1TZSbbkdNmji04q7WZ7Dw2n4YsnROl"
    "rTWZ7KdiOwFOlexal4lwdaK2kajNrsLH9ZiIbTh0LdDt4/H99xtRHSqT3qzVY1ay2V7UGO"
    "g4XpLwd4UKk9yKmqXqi9mBU16OLSurlRdzBptPgknl5GZrxcX8SOzAd0pL10qLQtUJ1UZC"
    "1VyBjyssilk4ZBsj20dl5SNZs1C8wbxaZck3qVVcQtV4MpetmyZpZGsS6DojqtCoLkOy0X"
    "kUN4GgvroCPUJmnZBw5j8Qb4Q4i/P2xK0hqSILCIIeFUFJtsZ9jgZphqbk65yEa5FkhITs"
    "C2i7lG2i9D863ZEGinivVCMd941WeIegZDySf+slIokapwpKq2E4xezYukBNHki9fDSShY"
    "moqXWSoxvE0c1sPo+XNWDHZwhfVmbyeJlP4xEjZrvgs3ROE2utBh8llr9nB2WPg3wkhIrI"
    "V59QNkgGwVoOfUL5NKpXnYG2cnaK3DxW3GwQNmk6OXV/XP0lA+/FuAG+F+NKgOFWLpWEj+"
    "lK7lJmO2umXSB1rLst646hxGKyKmEnTWYhIXWz0HYWXFKEHpnw3AnyAZwg12akR6xMjS1M"
    "e3GOgREnCUJW5pmwzD3mLCv9tKyEBHMW2OiHKcUgtjz7rh8bJQK0QdggGVz62atG2Wevap"
    "LPXhVzzxo8yELxS4mcuaq1zmfyfCv4c4RO7+tI74Nl3YHWV+LAOrHvoanyZ/CBx9238ap1"
    "enWzcwmZb7xPmvV7+U+oypDczOH/1cFnpQ1rte1VQjLB8ySD5eNe3Q8MLfQqQvdkx18hHC"
    "DZEScewnOVjDH1cXoIbP5ILrIdj4u6+OwOzXaICnnFK7pxu+1e+W3l66h9k3LcnkP3uqDf"
    "Gt6fhc/QFM/YRsQtlNdWIRL5hQMkUSRYLjHoVbaE2jHwFBi8yLIHhSKQqn7koFNdoXUqn3"
    "NNAg+8yUa3ckAOZ2HkhzdVBWimUB16inwa3KtmIdvy1+r/un7gjAAk2n29lCsZLfEDQQGh"
    "sMGpLikYD1ISBRhDEruUIf4vs790fuZjay/VuyFz8iwMWAaVUyXbmw/VJ2yzUUophrgVbe"
    "KreF7tq3he9FW4bdKx1rYLYHEBLN/IUu+zF+gbgD9gwq52b9R+cJbGfRW6UgGv1m5mk8p5"
    "mFv7+aF0aEs/f57U8ZgnGH1PwWlUwmd67CdaEc7xnRXrNkgGguqeWLa2GdlAm1IMA9nx1V"
    "UDYGWrSlzVvZymF9n2LBU9g2pPknCohitjlxMbIK2gN6mcEtIWezAp2/CSuP0wOMn1ZQNG"
    "cn1ZyUfgVokD8zheoJuNR8UbMPxX+n/yTUZ1nh8MjSfKk9DM5fNLoHwSI7Rd0vlS+SH0UT"
    "cSiHCHaMBJKHjRl2NB9/gpOCtvxO0K+/4344+4GL+4TpgJ/KhjH7fvb969a3CY7Ti8221d"
    "ToN5H8zwOihO/oEJuqBzXOvLLzaq5eaB0byhC/+TZMR6tsHHjlb4nnDlzF4r64NyUz9QsV"
    "OHoM3+n6FpkmZQ+cqx8sCP5L9ROKB2i0PpjqI4OMyw4PKnwUQC9gqdI7rQHnUyp2sKDT3q"
    "Qd9oi+UPsQR/v1xScfSApHodu+Dh3wDJLh+iw+QMJBN44INAToJ8Sn8nR4tZHkz2akZCnh"
    "3wO555FR7FFIQE8SXbBpmBP/z27l0angCjcTmAT7k6Tf48fhm4oKh5/KivEYtvAabyh0ZI"
    "PaO6EZAtAcS2S8YJmurOde3MKVL/8OyoIVGLSA+MF4KESQSDmiM4774JPDlVz9CnCDAViJ"
    "EeqNcTKyc/S0kVIvBEME4M5yt16h4azuCU/AIRLFWG6C7606+/3f48Qj++v3n77s+6d3gA"
    "jaxcOhIzIJdvTQIPRvydzWTn0YnTUbxM5N+v0NqHEIposkZoRuZYLhyNF0RjxEsKjuzPSB"
    "JqojSX6mCLZMLjpNiRL8x0uxuJsiHgIk9SE6+Rb6rXRJaorMu0XUiwYVasp4qfPZNStGTI"
    "URo8YpztTbF2ISTHVSh6p925nbmCCoST9Z4loTqcXv08j/vzI25VjLTQluEJAw5L6N7C73"
    "LMu8Qa3yTyhtpiBX6WzuHfFv9Uv7QRiynVNy8Wkx2bLYYZwsPBeJ6H8bwXMJpb4yKSlSDm"
    "yU4ax/HzyxeXLy+uLxMwkyt1iJYw1Wh3b7skTbqTRrKbDxu3CibK0jnJ5OK5Tnoa+nvsZa"
    "j2I5MFZS2ENkwoS+k+AKtJqDlDnSBbnJBjH/M96GQ0P+ebXYmPn6NWvKN/6PbxELXJZvt0"
    "gvptMGNfK12txt1RnY+VQrumaa+jqBe0JmHqBnyG3gqOoLIJeBQp9um/Iq8iqLp38DdTfs"
    "9Kx2FleM1eBnpCPA54Ya3FhEHknDwdOXl8zMWknaenQHrETdjJzcmTgk2y31Fx1uRH/4nJ"
    "/x1C9Bz1G2oqeQzO0UDwdBa+82tIFiSEz6NRIE++ea24MdnxZJ1QtpA/AI4KalBBLipuwq"
    "OLBUSpqMwSIBeimYujNClH5IGEuzj2ol7udDVAaUyFMbVqWbt0ff1hcnWCxzlo9+igXW/K"
    "YkPrzakxzRF9JH2JeDYy6a9Kj1vVI5kQOSiHEdLSPzD7sX86Nhftg4WtXAM/tvmnl8Y1Oy"
    "38YOafv5AHWqOhm7drNXJPNWyogN+gkNxRaKWTyLF7EkBE8080JDMoP/bGZxsPvVcHoyX4"
    "sWI8Iz4L7pSBRtUuk/eTJHS6R7kP8KDYGGzPi3r5gcaFAHuI+Nb9Ux7H9EdZ925/vvl+fH"
    "WdBlZLOgoWqeBOxZBDOj0Ie5fLGUnpwLb8GbpBGuAoPD1+AgjpJrKhh+SugH8JAoZAkyF7"
    "OTLm9geH2x/AypnYHnLKUnWzV+hR1ZduDjplQjkBMGuEB7oRG59fNsnhBc2qswuom7ntmI"
    "/FgoUrG5xNmgFCvYf09C4Cox9RALEy0C4cqUjtJqP1ZERKkn0KwQydC4lpi39ft+nDRP7k"
    "dukn6Sor4S8dIHurexo4uFm+2icjyN/YrNICktwb1Zk/fmezpjXfw02gxXuU2t4nkJo5Ti"
    "w5VSffYWOoDBKCrsjrqM0UUY8E6jx3FK8CNQ+1FWLJ5Huqi3Cuu2D4ONSgTUq1ywYbhSbU"
    "gNUfRUhZSIUqVZo8qD41nbTJPrC+WexpQQPKl4n+5E5X99S+kcxc0w1hQjDA3WD31Wzv5X"
    "vZoBu3HyC43RuN1njnM1yCb3V9cYNkEBDXQLqX+uKmgLDy6ht0g4nP68KDagjMZhwildVD"
    "WL/7rtCRKjFWSkaGzBl+2p+DEoKs1qIE/epDUAbJYDhFd4dUQ8yX1gd+c1QO1sKBflJa5L"
    "GaCycEg6vycNkkYfhldbrwy0Ky8NyG0YoRF2kHs3gPna0lZHch4SX412jLBk2rhd6zM9mH"
    "1paXFEoulijL1ZAbJA5xe8Sd97UXzCZn/bOahyKtSwdxsCNd3Vny/xvshLewWa006OebjO"
    "rs+sru2NCy/wMTS2U750VzetEk/2jrJ0TvqX8t9Mq4/eBCxroyrVZbstcQwdmK4+QpHb9p"
    "y/f1ue124jdP6sTvKbL927kU3Ru/mulnG9SyfB41berPDaRWPTH8q5TnPalUIOw9QAhAUo"
    "Rddhpws4Z6VOqjxoW7v3GcpOmPn6la0mTn347NFWkdnztFPvdB/lNzmt5rdnbea8zbVJYL"
    "YDZ8Ez7QuMyDMo+9iqomfNVxICSE4gbAWXQpBKpOs8ul9KB+cDTXGVfwriRPy57GgXM401"
    "Au6a18vaku9UAD2HFzwkcIz0PGedSr7I+jLfF9OGvjs63s7QH7G6LP40A6mKSmAuSzpQIq"
    "HsQlJjAUyiBfgoQfQ7OQgE2FeCOk6lVATQuJM/UZPKkPtRTgcXXZCZNPP/nsDkywrac0ph"
    "lOhMs+Sj6xbVAWSVkt7hKCAbpNncl+UBIuMxGaHVvOQErkoH/CCRItriwjBwyq44L/9ITA"
    "34429wbLreZf9cTU1TsrbVer482BYnKXkLRIjPSReJQ/QypyWBUVy4YBq6pf4WsEJ45DJn"
    "ecHDIdSeUIRuZoRhZS90FTvuFrdUA5jTWuT5e032HdTrc/hxer1ax03dpxwSydE0LthdCm"
    "/NRc9WpPKQao6XYfIFjkT3YrvZzerfhT1ALU8TA5HbUqQLFRrfynRnMr0S8lL1mz+XKaJM"
    "PdQo1PlaQwNm7Q1LbxGk1XUmDjifoZFx+FSMpdLIvTmtbKblMp/Q8zsqui3TOTippzG0mT"
    "EAxR0HSeF2JG7nArj0GO0ImW1spUlk3ZLPUi5ZHXfM9shz0R4DckpPNlmdSO7tSKapy2eU"
    "xIV4PdsVh7skSLhFPfBdoTI/mrpdoDCctTA1R/7AbJACXb+OqqwRcvW1WnloJ7uXM+ZRlV"
    "qxEuT6U6BHSfnzfhp7JVteZwXvDGyBFFae2cv93+8qEimiolyaHs0blA/4egGOUJol0DLo"
    "ABPVfHk+dDx0e6HC0ccYg7+OHYwuyP/wfbL+81"
)

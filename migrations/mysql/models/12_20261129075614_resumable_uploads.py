from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS `uploads` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `length` BIGINT NOT NULL,
    `received` BIGINT NOT NULL,
    `folder` VARCHAR(100) NOT NULL,
    `alt_text` VARCHAR(1000) NOT NULL,
    `metadata` LONGTEXT NOT NULL,
    `owner_id` BIGINT NOT NULL,
    CONSTRAINT `fk_uploads_users_fd6804db` FOREIGN KEY (`owner_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_uploads_owner_i_d72c9e` (`owner_id`, `id`),
    KEY `idx_uploads_folder_9375ad` (`folder`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='The first `received` of `length` bytes are stored in parts, in the folder `folder` of the media store.';
        CREATE TABLE IF NOT EXISTS `upload_parts` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `start` BIGINT NOT NULL,
    `name` VARCHAR(64) NOT NULL,
    `upload_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_upload_part_upload__259071` (`upload_id`, `start`),
    CONSTRAINT `fk_upload_p_uploads_c0259108` FOREIGN KEY (`upload_id`) REFERENCES `uploads` (`id`) ON DELETE CASCADE
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='`name` is the object in the folder of the upload that has the bytes from `start` on.';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS `upload_parts`;
        DROP TABLE IF EXISTS `uploads`;"""


MODELS_STATE = (
    "eJztXVuX2zaS/is4/ZLMHsWnrb44az91PLl41pds2tmdc+w5EiRCLaQpQkNALWtm89+3Ci"
    "BFULw0yaYkisZD4haBIsgPxbqhUPj32UJ4zJfPfpcs/EgnPjt7Sf59FtAF/pFtHJAzulwm"
    "TXhBRWRnK+imr9CJVCGdKrg4o75kcMljchrypeIiwK7j/xjds82YTIW/WgSSzIXvETVnJB"
    "Dhgvr8X8wjM/gTrlFFFvSeSYIPJQkNPEI9L2RSwq9VwP+5Ys9wUE9MYVQe3O3h/p+Dz8GY"
    "LSj3x4RDH/LAQj7jbNt1QERI2GKpNq+I6WjGh84waqCH5t6ArOd8OsergYhJn5GbIP7bPI"
    "5U3PfJnMrPgRJkwpLRgJAHZLxkgQcvOjJPhHdlISOSQT/qEz0N8E4bwgLFQj22hHcjIoje"
    "JGQPXMJMwPMF05BRfNM1V3PCKDzddE6DO+g9g/c0+JnHmtLQk0TOxfoZ+d859xkZz2gwEi"
    "s1EsEIbuPp930+IAFbk6WQCpAKEXL1OViHXCkEQgDuvi/W8IzfkBljnnxFkFY/MwthYHje"
    "Bb7mLBQL/fB0peYi/EYSsQ6Iz6XS822mZqTEHYNOIcz6p3/AZR547AuT+PPTGX2gioY4FW"
    "fQ9uls53nxNtw7+wfSLe9HALHvpfif6y76+khtlvraD/zuTaB+0n2R7SYjA1LSf7mB5w22"
    "BDxQePWOBTA9innWVxGsfD/6euJL5rXgggpXbPs+XnLBYzO68vHbQmrzBMm1s9Ho/YePo9"
    "sfP45GZ5nvLqawPpXo0lQE+M3Cs0qNwB0+wnf/ORxeXLwYnl9cf391+eLF1ffn30Nf/bzZ"
    "phd/modJ4DK30qC9+fnN+4/4QAIEgxEXeOFPTQOTZKj0tCXwIyfrvzOT8HpOw/wpsGl2Jg"
    "JesMlExBeSmUiE2iGmYkG/jHwW3Kk5/Lw4L0H5f25+e/3LzW/fXpz/JQ31+6hlqJsQ9CzI"
    "+itpAHRM1w7Yx+X6FNTXVaC+Lob6OgO1ltd1MN4S9JCTh1eXFfCFXoUA67YchOtycoqod2"
    "y8R5xju2RE1Wgh66nKojs0Up4Rup1h9ANqz2ROUlZhHf7PEB5O2pydZaag24yfwqquoMkl"
    "3hfYGYlzelhTKdci9EbgCs1r4bxL2EP1+WJYAfAXw0K8sakAbuMANpLqxfdoxyk69hQcRb"
    "DP4FlGdf2gFNFRBfo+uP/5eRXjHHoV8r9uS+M84aIOwlH33mF7VQnbqxJsr7LYrtlEclWL"
    "gy2S3mE8rITxsATjYRZjK9pVA+Y0Ve+Qfj6sJCmGJZJimEE6FH4tVo77HxBdDM8cCOHrKg"
    "BfF+N7nbFEMHYM8K2MkZBGudj2SFMdzuA436+1MXx++eLy+4vry62Rsb1SZlvk2BFx4L02"
    "tDmUDt58eNG/awZvitLBuwsvLlSpZl5JhtQ5I42dkXjtsAZ72yRH5Ovz7vByzjpkGsvbBf"
    "X9YnmRJT9pXC+GL663kOKPMjRv3928fZuFlMvRMuRgy+YYZuVopim/SiBxAXx2b63B4oUJ"
    "nd6vaeiNMi1iKIr6ZpsWw8XuFRrQOw0Kvgw+YZRn8pMIFyz8PVpYLExHyes2KEtMmWmCUb"
    "xiWTVHBfuPuMlqCDBvIWT8LiDgKQ2IFCYpQueU6OQKTJeAkZnCrJCpVuREKrqRJGRwowfm"
    "5aSp7GWIxzMjXMJDtxMe3Fr83tfioy+vHrtbRM6EfIIJaYTVCOQX92tb87nk+5qOfsqgju"
    "j7WybRLyhU9Kn2Ug0vTc+Kmv03NgMmmhMl7llgkhSlAtULWlWS219uvhteXaO2Be3JQxLS"
    "wBMLMv5D8fErrY2X6NGIlcSMStTc92ypUHfrRvHAQp8us8r+YKNWyYy0JJnLgDy2aCw2CE"
    "LDM7VXwHfpergAfl0l4+C6OOHgOptvEH1g9fMNdgl7t4rSPtihUE3DeRnS3gRLD2yIaSUA"
    "qjkvWF3ubCRUvWP1/SzNmv0dtdZlE5LeYXx5VQHiy6tChLHJrQ50UKL4VCqMszWaiBxiNx"
    "WNp4J9WXIQII1ys3dJnXf9hOUycPeamTm7pHtKje//JLhY33GjS+mZyE7DT2bZ47/YRk/F"
    "G3huGkzzluPyNiSf2Dz8GTNafDX5BEO63oZgbP4DAMyyj7YYb25f3/z1x7M/jxOz+xH3Ln"
    "zEEFZh2G63y6Ascmf2QpiYWMV1uWQjtt4dbG+dxgv6XmRNJZHgo8DPnHW3RreoGVdbrsKl"
    "kMyF2I4vkQYlITZrmirHexKSHgbW2s/n1J9T7ahamqp/S5qth9Tc9uK9b3t1PlUHzHkX6+"
    "nENDivynlVnZmHPnhVt6vlMnwkJSK/4+BxD0smNBX9rF+ozklExHRVLBH4G0KxLtU8SlNI"
    "ql9N2JRCR2i2xiFipXz+wCInyyQsZp2xPY6T47F9ihdWtpalEks+Nf6ZS5HshKgblLhru7"
    "NXczmtzxkRF1VKAlwUlwS4yJQEMJ9GDZS3BD2Et32/2Bmy3bGmjqP333hssRSKBdMN2GmF"
    "Wj+vW6nO5wkB5oRX1PhgIrIQNxdwU7ESugcSKLSONZqYzWZsqvTmhIBxVKqEfeFY6hELSI"
    "IiNtmI2JDV9C3fX9eyhLfTMn1M4J0DhdWkjB0w9Tn8Hui/QyBk2rjAX0Dyioxn8FAsXMKz"
    "KawT+oAFKDWdCAA39YyMQV8Ad8fbM8x91p8DHSXG2HD0DUJPeI01C3U3SR8wo3MWV96cis"
    "WCmxfiCjssOBgtwR3hsyirU0wx9ow3vOe+b9CZMLVmLHDbOTovSMpslZg362hQm8bFPB+N"
    "eVpfcR2Ud8h6aK3sIWMzFod10xgsMmelNA63GR2Txf4j+1KAfELRiL87VlSxBMCPP/5dw7"
    "eQ8p++zcbfvrv5u+bwxSZqefvh/c9xd4vtX7/98MMJGuf9VKkdsc1/FVIVWuRJY6kdrmvS"
    "VExriHb2Gq4ZkznYs9La8Iu3ImB5imDKXsH1P8QkapNgWUq0TSXxgZ3CgbYgqZrOmczJfd"
    "jPOBUKy2Mb4BIVmB8QHadDsxs6+yuPeS/JlOLNwEJnS20dz/kdugBYub5qBoapFu/2NnXi"
    "Uy6zjqfUPHgNjWaR9MJkO7ROW6CHHC0AVMXcpnF2RH3MfX7P6lfc2qHqzQ6n9spBiQVyZn"
    "1ks4QO3MzeAY83NH13KV059yfsHHCFtp7KyClbtx4nZ0gdKzcOXdgmefUZSJG5yFFb2UIG"
    "1uxUuHyhnHyhFA92KWMIAxBvFtBWGqKwegwei1OMOHauGq1YgKan9iF3eK6bh766WdcK8a"
    "wL7TjEq32awpQ8eUXGDzTkFCYjOlDvb7cf3uuz3ZIKKLpUW0784pAj5yYQGbCMVBJSD5VJ"
    "H/p0tn1MF4E4rh4q2foRz15mEsorRtp0fdJLbdThTNg+A2rxclyKqBeRnQMcV7HmnspZWi"
    "7k2m3/PrFsa54CCP67eZ04QkLg8MzBc+Kvwrq5DzZND6VA+0vy1Fcjxb7USn2waXpXWAbE"
    "ZEVJWypqM7I2thnrBM5tml5w86Ej55adXd1Eto3zHsnl44YMENQWAgapRfMTm4eqAQOL/7"
    "oULniHFnZhqMBqHZSFCbSdXi1A8OtqAk71HDNdF+JBZxiEYo3nv4+tYMN4QFaBZx9SzzGf"
    "1nLxMWnXctmxairVXn/IsrGBQwyKiQ4fdWIvihwZRx2WfKpW2A/+Y4ul2sAYPib2juGrUC"
    "sTbRjjcQ2b8TOCN+CezjUGXjJRDMVNjXf8e7X0Ba1azf3TmVgHqXKueNa9iz90QqoOSuIP"
    "hjPqGG8JRS8sin1vsHH28YHs41OK+pzyEaUnEPM5lRyHkwj4nAqYpxPtOdmC2S4EcYwQRC"
    "gAiAVA6tWrELZD5/j7Uf6OIfOYqlnGKkvZO7iHV1UqZkOvkmpWmZrZttdY3Qe0qVyEra0I"
    "m0a1hRDb15CTY3Ngl2Jsv+ugza80LN42tNtlUBZtM0Gg0RJ6V83KweG2aTFi8gebqjgJJp"
    "0kY+5tKp7OTWyLTDa4x2cW4rFDwGehGhMR5CTg7GmQ3FybCAMz2bq/q9TTIYk2KI9uhTn+"
    "VdkMbEmcYmmcbKv/rWE9xf174R/s20hNiaPqfJ0ic7zdltFkYG3DatI36rvdlOLC7hlOjx"
    "hNlQ2mirYSLsHNeCgVrspNGX9g3hgNl7ERH+PIUrGOaQQbR9tigx1rZ2z+Hcdmj5VunLWe"
    "DjNsvEjJPWOnUZXupa9QLE60RB6ILbUJgysMRsIF0NzFSV3aABDU66WKovKPTcHPgSm59I"
    "0kYKEPcMWUq20R/SetZZo3dQuZXTX1Io1bawoSGqcQn7BJ0IiQetDbVL1Zyzgw8pFIqmFo"
    "JxQ9NLX3strplu8PtnxvVHmdtSWbphcMfei1JRd+744n6cLvpx9+f20KexS6kan2QZkfGZ"
    "cIqeRIFuNbxdux09XB5wuUK1zVCVkxKPF2UhNVY2eCTeaKSTQ1vKP6zHVMFYvEWSqubNhJ"
    "YB6ypc8bFA7L0PXGwW8tWbHL5Wj6qk3drr7uOT1uV197u/qy8qV73uQhZcvJ11d6y++LSy"
    "sljYMyP1IX8WzfiUyfMh1xZrYAkcWzzps8tv4rLULk9KE7wfQrgL4sk8edYFo5i+exE0x3"
    "jW1n4p1y4YafhO+LdaElYjeX2iIz3XEv1oi5dSJKzU+Wb5XYrUlnTRun+tjtO5fduQ7dEO"
    "VlBs3uDFeehx1Cp12fkpyS+iLrToEzcNo2cGJgnZFTSRnv8OHjhk4sOxy+dfBlnTV4fmOA"
    "Z8n5Wzm9Kpg/o9AQ7MUMiu69ZVpFQ2jOt4KSNpwZm1BbO6lmZ+scW7EW2zq7c14nBzdN6V"
    "RtY2sn9bVUn4EUmYO/LUtny9hOFVdSxbuC4HFbxzCug7cSvKmvvEt2zg++mN4X2jdWa6ld"
    "M8F+ezFn9J23XGl+efnWjNW47ZoYM+kbOWvm2Iqz2JpJz2P1aUjTOVXa2JJJfyp1J8CZkm"
    "3bMhGuTtVWUrVpLnzcjonEhkO3Brpd3L7/bqWKU2WSxlI7ZgHd9mLG4I1jlsS/C0yYbVPU"
    "LTFf7Bs44+XYurLYeLFnsPok2FRObzY2XOyPpB74zmhp22jRqDqlWkmp2hz4uMGihYVDtj"
    "KyXTRW3gvFZ3yqi9gUGi3ZTqXGS2B1r1F9yEwpuWcbsqD35rQStmTICwSI+QNXGyICRuz7"
    "PyPjbUgrOsEUM5cGppoP7roiIoQfmCaWX31o/8Ni9SEejACwl+Sc8PhY1ilfYn0g4nEP70"
    "3WFH6oOVYPgu8jrm4EVK8MAZ7cMmcBgVviWS662iQadmQ6p0EAkwBP6W9gNIkhVPjicLIX"
    "ExbK9IDfyNSrRPWQdIWluVgHqYHf//72LZmJMBlNwgB4PCzzXpLn8cvo82KRWsaP+iousK"
    "STvvGHQUg/o24I2JohYuu5kIyMzc3NPq0x0f/I9Kgh00xkBqYzFZ1Ys50jLK20CjyYKnOg"
    "DAIGomcjB0QK85JmYvE8nBQl14jgE+E4MZwvkyKdXNeLYnQ6j8Em3/76++0vA/Lju5s3b/"
    "9i7o4PYJAF1gHMkBzeGs/fhRH/EBO4eZRWN4jZBP5+SZY+SI54sgZYdooC4xi8TOkpw1IL"
    "uoFGEh3FbupmFdcK3U54vACLUhe/xqkSOYuyaNzvksSclOMh7HY1PJEmyrtl0g8P/0mOky"
    "+nip89Fb7OGXKQpMhZCYwJ1s5f6aq/Yk9h9Umwqdwe8qbuilFOWeTLj31OqA7nrDzfxf35"
    "k7Fu45TnWDyl4SuuyhT378X2+32fWuXyGb6+DcpOLL9MmS21wE/TOfyb4p/Yl3XUYkL11a"
    "vFrcdWF8MU4RErdpx3AkbbNc4iWVwab4fspHFsrdpJ7N3XZUmb7qSRbOfDtl33Olm+Np3T"
    "TI0tg1DHJ5tMQYbUmcaNp8GOpFWfAZvK1U1qiv1uhLCOEEpTug+gvVz3CFm3KFgx1z3NiR"
    "VqKaHs6B66nSylZInZLq24vgkm4kvhUqvVOihbY+XYr2KK2NmHwKyGLVmYLAM+I2+UJJhF"
    "hyuKnPr8X9GqIpq6d/i30OuehQuH2fXUfQ70ePngwqWdbhS2cYs8Zz6VatRspSdD2ptCns"
    "fQ2XVE32NlieCj/yjgf4dQPUf9hqpqnkdLEu0nfefXkM1YiJ9HpUSe3e6l6sYWx6PllrKB"
    "/kFwdFKDTnLReRMen80wS0Wfgop6IZo5zA3h0zmmZ7AHFm7i3ItyvdPWAI9VGtRs7Q5f7Y"
    "6QK1M8boF2jwu0y5XMOeysPJwa0xxxjaRdBm8jrMoWlPt1kdwSOSj7kdLSPTC74T8dW4p2"
    "IcLmCoPuyQo/WPjnr+yBl1jodnOpRe7pjhUN8BsSsjuOvfAKUeKeBZjR/BMP2YRKRl77Yu"
    "WRd0xKegfgx4bxhPkiuNMBGjSbJbRrepNLjXdk+kheRdA9z9rlBxo3Pt7X3J/LOKd/soEu"
    "ktz+cvPd8Oo6SawGOo4RqeBO55DTAPwFotmZUF0W9Bm5IQbgKD09fgJM6WbQ0SPgFcjPQS"
    "AIWjLsySEq5x8c1z9AzhnB7OYYsiVeQoqqHV/huJOR8hSuLyt4CteXhZ4CNu2kciJgtRHu"
    "qSM2PL/8vgLA2K0QYtO44475VM1EuKiDs03TQ6jb93ldBkZHsgBiY6BZOlKW2k1G48mIjK"
    "TanmKazqXENMW/q256P5E/OS/9JJfKcuRLC8jemjv1HNy0XO1SEORvYlIYAdm2DcrCH3+I"
    "ScXYxzhcBUa9j/Wy4NhnVLLRKlDcNxdDRtAx1AEJxRfsVdRnTLiHx7bCS0X5Kj7lCxOFmA"
    "t4T30R93VnAh+HGrTKmdrQYaXRhK9CmY8i5CLkaoN/bx/U7Jre9kk/sGnM3mnGAy7nW/vJ"
    "7a7uaHxjO3NVHcItQQ+9wYthBW/wYljoDWJT2vK6h/eqg27cv4fgth80WtKNL2gOvsWnbV"
    "skvYC4BNK9nLZtK4haq/oWXW/y89pYQbUUZjUJkejqPvDvTjSuivx9Xix/n2fkb2LE1DIy"
    "UmQu8NN8H5RSbLFUOegXb4KySHojKdrbpBpSOa+94XeHysGa2dCPPk0dKbwlOJwUPjs7iA"
    "y+PK8ggy/PC2UwNuWAmziMtQRxlrY3zHvoai2huAuZzMG/xFq2aBoxesf2ZB/aWp5zqUSY"
    "YywXQ26ROMTrI+5WXzshbHaif7XmIUvrykEcbEtXe5H8/8Y44S06q4UB/d0ug7K4vo47Vo"
    "zs/yDUXMfOZTacng3JP9r7Cdl7+t8admXcv3cpY22FVosj2UvM4GwkcXYpnbxpKvfNvu1m"
    "6neX1KnfUxT7t1NQ3Su/WOinO5SKfBl1rbqeG4BVPbLWV7ncXUnlilDvAVMAZFzNHG4aSC"
    "z4HaeR80CyUJUt4e5vHKdpurPOVKxp0vNfT8xlaZ2cO0U59x7+KdlN71XbO+9Vlm26ygUK"
    "G7kKH3h8zIMOj72MTk34YvJAWIiHG6BkMUchcL2bHVjpQf+QZGoqrtBNTp2WPY2D+3DGIb"
    "D0Gl5vbI564AF63JLJAaHTUEgZ3RXuJ8ma+T7utfHFGu72QP0VM/txsBzM9kwFrGfLFZ54"
    "EB8xQfGgDPY52Mpj7BYyjKkwb0D0eRV4pgXgzH2BT+rjWQr4uObYCVtOP3nvDk5w3ZXSmK"
    "Y/GS7Nl0mLRbBYB3mZlMXqbkvQw2VTF7LvlYZLTYQRxzVnICFy0D9hB4lRVzUzByyq44L/"
    "9ILAX48195qCq/mzmZiy885y+5XaeFOkGN1tSRoURvqNeVw+IzpzWB8qlk4D1qd+ha8I7j"
    "gOBXicEisdgXGEI0syYTOwfchYruRSb1BOco3LyyXtd1jn6XZn82KxmZXwbT0pmKZzSqi5"
    "Elrl75or5vaEooeWbvsJgln5VI/T8+kdx5+iFaC3h8F0lJoA2U6l+p9b3WupftC8bCmm8/"
    "G2GO4az/jURQrj4AZPYhuvyHgBCpuO9M/48FHMpNzEuhhJ9cmQJm5TqP0PM3LLJVEeKd/V"
    "s01D+wip6Dmvo2m2BH1UNK3XhZiwO9poxWCH0KmWxsZUWkzVYfUs5ZF5vmOxw44o8BsW8u"
    "k8T2tHLaWqmiZ9HlPSxWC3rNaerNEi5dR1hfbETP5irfbAwvzSAMUfu0XSQ802vLqq8MVD"
    "r+LSUti2s88nr6JqMcL5pVT7gO7z8yryFHoVWw7nmdUYGFHlnp3zt9sP7wuyqRKSHZQ9Pl"
    "Xk/wgeRnmCaJeAi2DgnYvzyXdTxwfmOFrc4hDf4IdjK7M//x8BWuWX"
)

from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "idx_users_pulled_d9067b";
        ALTER TABLE "users" RENAME COLUMN "pulled" TO "fan_out_on_read";
        CREATE INDEX "idx_users_fan_out_f7c822" ON "users" ("fan_out_on_read", "id");
        ALTER TABLE "jobs" RENAME COLUMN "deaths" TO "crash_count";
        UPDATE "jobs" SET "queue" = 'email' WHERE "queue" = 'mail';
        UPDATE "queues" SET "name" = 'email' WHERE "name" = 'mail';
        UPDATE "jobs" SET "kind" = 'email.notification' WHERE "kind" = 'mail.notification';
        UPDATE "jobs" SET "kind" = 'email.password_reset' WHERE "kind" = 'mail.reset';
        UPDATE "jobs" SET "kind" = 'email.password_changed' WHERE "kind" = 'mail.password_changed';
        UPDATE "jobs" SET "kind" = 'email.address_changed' WHERE "kind" = 'mail.address_changed';
        UPDATE "jobs" SET "kind" = 'notify.retract_comments' WHERE "kind" = 'notify.withdraw';"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP INDEX IF EXISTS "idx_users_fan_out_f7c822";
        ALTER TABLE "users" RENAME COLUMN "fan_out_on_read" TO "pulled";
        CREATE INDEX "idx_users_pulled_d9067b" ON "users" ("pulled", "id");
        ALTER TABLE "jobs" RENAME COLUMN "crash_count" TO "deaths";
        UPDATE "jobs" SET "queue" = 'mail' WHERE "queue" = 'email';
        UPDATE "queues" SET "name" = 'mail' WHERE "name" = 'email';
        UPDATE "jobs" SET "kind" = 'mail.notification' WHERE "kind" = 'email.notification';
        UPDATE "jobs" SET "kind" = 'mail.reset' WHERE "kind" = 'email.password_reset';
        UPDATE "jobs" SET "kind" = 'mail.password_changed' WHERE "kind" = 'email.password_changed';
        UPDATE "jobs" SET "kind" = 'mail.address_changed' WHERE "kind" = 'email.address_changed';
        UPDATE "jobs" SET "kind" = 'notify.withdraw' WHERE "kind" = 'notify.retract_comments';"""


MODELS_STATE = (
    "eJztXVtz2zYW/isYvbTdUTO2bCvZ5MlNmzZtLt063XYm6UiQCEmoKUAFICuebv774gC830"
    "LSskyxeEksAocEPxwenBsO/h6suUd8+ehXScQ7PPPJ4Cn6e8DwGv7INw7RAG82cRNcUAHZ"
    "YKu7mSt4JpXAc6UvLrAvib7kETkXdKMoZ9B1+q/JNbmdojn3t2sm0Yr7HlIrghgXa+xTST"
    "y00H+iL9+8+On5EM2xJAvdh3hfodkt2q3ofIVglBJh5iHseYJICb8EQVtG/9qSRzASj8/1"
    "UChbHuqhH9gHNhXkhkr9plNE2VwQDH12VK0QuSHiFs1XmC0J4gt9S6wQ1g8SHpIrvpOP0G"
    "8r6hM0XWA24Vs14Wyib+DpO0l0OkSM7NCGS2Wfybj6wHaCKkUYUlwP3vf5Tk/CF2hBiCef"
    "IaDVv9GaCP1E/a5rPSS0EHxtXhxv1YqLLyTiO4Y0AMqAZl9loviS6E5CQ/f+D32ZMo98JB"
    "J+vh/gG6ywADwHuu39IDNeuA31Bn8A3eZ6sqDE91KcRU0Xc32ibjfm2jd0+ZKpF6YvzN1s"
    "Ymcq7r+51eNlEQFlCq4uCSMCK+Il+I1tfT/gy/CSfS19QYktid7Hiy94ZIG3PnAtUNsRxN"
    "cGk8mbt+8mV9+9m0wGOY4OKRL8FlyacwZfgx6rNAgsYQhf/3s0Ojt7PDo5Gz+5OH/8+OLJ"
    "yRPd14w33/T4kx1MDJe9lQHt5fcv37yDAXH9ydkPES58MjR6kiyVmbYYfvhUzd+5SXi+wq"
    "J4CpI0mYnQL9hmIsIL8UzE4uIQU7HGHyc+YUu10j/PTipQ/u/lL89/uPzly7OTr9JQvwla"
    "RqYJQM+DbL6SFkCHdPsB+2G5PgX1uA7U43KoxzmoyRpTvwnGEUEPOXl0cV4DX92rFGDTVo"
    "BwU05OEfWOje8F5w2WcseFN1lhuWqCdY6wh5z9eFQD8MejUryhqQRuq5R5E6wma9lMNym/"
    "x370lYeeggNqLPHELPRYJk1VlBTR4fh/MDgI95+e1Fk3da9S/jdtaZxnlDdBOOjeO2wvam"
    "F7UYHtRR7bHZlJqhpxcIKkdxiPamE8qsB4lMc4YYg2gDlN1TukT0e1JMWoQlKMckgL7jdi"
    "5bD/AdEFy+lACI/rADwux3ec00TAraPh21olIY1yue6RpjqcwnFyv9rG6PT88fmTs/F5pG"
    "REV6p0iwI9IvSJNYa2gNLBWwyvfmJLeFOUDt4svOA9Vu2skhypM0ZaGyOhQ78BeydJHpCv"
    "T7rDywUhgjSWV2vs++XyIk9+1LiejR6PI0jhRxWaV68vX72ykEJIZXGd8OrDhRmeX++w8C"
    "a5Fj7iZX3zTevROnsFM7w0oMDLwAiDmOAVkcDepTHDVPuwKmwobc+akcNfyEIQuUKKXxNm"
    "w2DXZKMQlujqh8uvRxdjCKypFaECCcw8vkbTPxWdPjMBrw18lnwrEWcEQmqGdMGFaeQ3RP"
    "h4kw8cHuiZdeJuoOFOqIuvdWKBKI+vCcsxjZ24Wboe+nDHdZzm43Kf+TjvMg8+sOYu8yxh"
    "7xwB+wdbcNVWI82R9kbfP7A6ahYBvSwX2VvVYeWYqnesfj/eRZvj08i1GJP0DuPzixoQn1"
    "+UIgxNzsDtoETxsVQTLSBaTUQBsZuK1lNBPm6oFiBtJiJHel/T0FeFPuXx0cZeOzUnS9pq"
    "FgKI/9GTkDB268OfIHJSqBH0Oc9Seiby0/CCC0KX7Cdya6bipR43ZvOioF9RIvmRzcOnkN"
    "HCq/EnKPAucsEk+U8DoF+bKKsxXl49v/z2u8Gnh/HX/RwkKf1CJFGlXruCXsMq312U+iSA"
    "oKYL71uDiYd2K8IQVeATA+1haHPkse8jDv4vGTjVkNRjhB4i75m7260+73Bz/rVu+teMJ7"
    "axvydN1bt81P07e5wu2gU1yNnInZgGp406bbQz83Dk2uhLj6w3XBE2v9XzVaqOFnWr1Edp"
    "TADJnTUVUs0qRIAaSZnREnV3JjWFbg4VR7JYkLkaIsn1T6zCWC6DHZ3QQRCjcvKtsmFduJ"
    "RXV+/rQWbXqX5fo9uYvaJmcylHWF6DNhzcW2gqYvauBhc0yTM0XejREbHRg1QhLTTOuHf7"
    "CE31Iq45V/OQabO32ZmxfWA7LNEae0R30y+yIwI215r9sQtlhwu/11S/DzxV06+plPpxVm"
    "G30XE+J1IiuNU19X0LzoyoHSHMaemdF9NVWnrIkU109CSN09A/q6Envt0mKGfIXJpBnch3"
    "KAibuoMTZE4HbK1+2wUmj/078rEE+ZiiFX9/3gP/EBpfEYDvvvvdwLeW8i8/ycZfvr783X"
    "D4+jZoefX2zfdh9wTbP3/19psjtDr7uaR2JMPzZy7Vy7VuK/cWp3tUauawUWVCoXPdEjFr"
    "4lFsK7YEiqcpxiJAP6VKIkGYR6G3DNVpQ4Gk0oZgQfWXu9+vQBN9H7yYle5cmhvYvMxU3m"
    "b0cJez2VVtNZq93CRUJ6Yn6fq0vrdNUE8uIjHbN1BOU0Q9VE3vZR/3jnqqwNAq5dqof59Y"
    "dm97VVaELldNdrPFBA7PAjxn/lY09QQkaXooBfZvoGJtZiptDTUBOUnTu3RVLSZrStpKUZ"
    "uTtTdYUMxUgVVUbowmaXrBzYe2RxN6dn0VOamc90guP2z4DUDdQ/gNrMe+h98S/Nel8FsM"
    "fYlVX9Ogr2nKXyIvyNMCIrC+V9TzCEMmvjUnUF11GnSxTqOpDRgpfA29Nlgo5GvuEEMwzT"
    "eUzInMW/j385hMRdel4Luqaq76qVDJlVmvwhCZ4gaQgUbZ3N96xHuK5ni+IhIp4vswJKqC"
    "0rImzLernZv2fmDLt7rtoJ0QmMMK18Icb4o9C+X6QoLEqQst1AWfXpPmNV8yVL3ZoLi/gi"
    "R8vSasRaGiPKEDN7f1x6MtIy5ZynvactJTXdeVetkzI6eUrGacnCN1rNw6Yp5UD+vPQIrM"
    "Wc37spotrHuwm/8JaaspHuyS5fzcqjGlxnOqfVhlP4cKUS0TuhzgOnZi0guGhX6oMxk7IS"
    "2GVdHo5EQ1cHgmydzS2XrLDWeqsLxKhcEekziDvYXBLsjGpy1M9hydsyuPSRHsq2R3gavu"
    "qeAucLW/wFVevnTPtDmkbDl6y+YVvS7P9I0bh1U2jXGf79+gSZU9DTkzn2Ob4Fln2Tz0+l"
    "eZZ+vWQ7eF/R8AvdvCfpAt7Fll26l4x5yb9MKcC1KqiSSbK3URe77IvWgj4ckwoSi1P0mx"
    "VpJsjTsb2j/Mycnp9sxll93TDVFepdBkZ7j2PGQI3eraWrHJfpFNp8ApOPtWcEJgnZJTaz"
    "HO8OHnFZ1Qdjh8m+BLOqjwvGQz/rG8BFLcWqnuUOhXd2/1W2ar+GAkyJxuKGHqmdkD7fP5"
    "Ndpsld0fzbiiCzrHdlM0X5hiRBsiJGdIQ83Nby68olJH9/OIO9QC6obt69QlWy5eEo1HIJ"
    "XqT0eOtDexvq6Xlfic50J/7u+4/ucQS86DfkN781rsbwF5k5ChpetIvlPlcpKSy/UWlXda"
    "nNs5grpyaI2voRCcFv8bUw0GaWIjzZO3foamCgstzJP15cAxMYyKx+mFAwWHpYWLeH61Oe"
    "CzzX6gUAZN7aadpb7hDTGHukm+JlA5z5Tf28GOT/1QRmxRPTj9jbKo/J+G/yn8EZautuX9"
    "oqPh4KfZXsRgAvVTfSr1y0zNAXT6q5LElgiEztBkNh7Jp2H9PhOMiZZU2BHFmX9rV12yI/"
    "Cedt+RyZyQ8TPlI3TJALIPzNwfSvPZLVLAr8gn+Ebf2JRM4bshmsJmKE8zP5vGZQs9DlX+"
    "9Gvhpf5IDEr63nBNP/sRmmoo9YusMMzSjNrz8AjWg+GLD+znX69+MBuzvnt9+fIV7JEKNk"
    "jZsUg9LUOYl6gBoz/5zCDIoVUDrB4h4Ik51t+hZodbNCPh7rAPbEb046AQ4q2ZKZ/za2mG"
    "blCCB4eTD0hvfHgDtl3PYBsXTFF5MZhI1wk+fSP24OuZqyjoFzGddfRkSaLlLe9Kyna1/J"
    "AmKrpl3A9OzoxTq6upwrHH4614ZMKZGGA3cS6r7upg7dSvh9G8ejIZieL1wYeVBr6ibH3Q"
    "vxdphZkKDeM69RnG5dUZxtnaDClpVZ+1U2SOt48r2c2lLD9NLbuNwE/TOfzb4h9rRmnsq4"
    "vHxVSHEzqnWdxP74z1PmrFRWZEUwxThEe9AXMfMFoTrnEafZbsqHHcW+Y8mKlN2TGkOWoE"
    "98GJaWOz/oqUpnMrUmuN4AgqOP8DpiHp+2mw+SZB5fbetMU+69NqIoTSlO4D2FdmSISsS1"
    "2oFUnKcmKN/TggO7qHbhfDdEkx26WkkGS47mdBFkSA47VWdC/bfVg3zjfZRJQ1Q36/mVAP"
    "XSwgMrIQfG2CSMFkDuOydqZSngn/PIOonEkLCZI8TP09zXb5mN6+b/65jUWG+bNBFxfA6G"
    "YAw/nQ79GHvtkWVer+zCkI28JK3Yd0Y3Xv+AOyxtRvimRE5KBMyls2gVWsIZYxlQOzc7mQ"
    "Dy1Fu2AMuX2Ax36U7bfkhlZo5snmSk3cMx1rV9QWZEmhlzk71hxsD6leL6ggMywJeu7zrY"
    "deEynxUoMfqssz4nO2NHlSoExL3W7oQdWeCb5drhRkWUGebVF97ft/KGTXQeKWvbnW7oOs"
    "PlMnW6KrHy6/Hl2MnwYJc3Bfc84sBl0fGQYOsr0eod9MNl3yiZBuRnQfbxhlo1GbTuYOmu"
    "28EK20BoBbGh81m6Zyh81m7IL8ATMGsMYI99TsGp2cP6kBMHQrhdg2ZowvH6sFF+smOCdp"
    "egj1/i1cFxrrSHgG9Am9TLeME+ep3WS0noxAS2psF6bpXKyyLf5dNcr7ifzR2eRdjJ41Ks"
    "0TyIk9IHtl79RzcNNytUsujx/5rNTfEbUNq5wdf/JZ3WPAxZYFh3WZcN7UJ1iSyZYp6tuL"
    "2sjndj/d3OwtD7a/gbEIXolnAckUwUhl0BHTtXVArLh+Y3NRj6ng1PCDP75OQXfdYWsQ1l"
    "+Ksh+KoFxQZY5MjoZst2ZFfdJDt435Oy0oo3IV6VRuC1dHfR7RzNU1EiOCHlqIZ6MaFuLZ"
    "qNRChKa0Ngb7dJugG/bvIbj7dyRt8K3PcQG+5eX1EyS9gLgC0vs5PjexQDSK6yfoelNtYx"
    "8x1MSCWU9CxGt1H/g346GrI39Py+XvaU7+xkpMIyUjReacQe2T1pUi603REeflGesJkt5I"
    "iv0dnCmwXDU/NTNN5WDN7boEm6aJFI4IDieFB4ODyODzkxoy+PykVAZDUwG4scHYSBDnaX"
    "vDvIfeUi/4UhBZgH+FtpygacXoHdtAd2hteUWl4qJAWS6HPEHiEG+OuIvIdkLYZLx/jeYh"
    "T+v27t4pJPUw3v3/gJ/wCozVUid/tsuwytdv/I41vf3fcLVCioKj/HOO9byvvinxHfL9zP"
    "8NtM6wf++SzPbleK06CHUr28mjLKWTRm1XBShCuWy5OGdJ3eJ8jIvC1Vwv7Fu/fElId6hc"
    "EGTQtW4EmGmde5KIw1JZKduHJlC75qZIqe2nn8CkfkiUdk6ZJEJVxX0P9FC3BnUnPlW+Bq"
    "WZoZkAzNM6CXiMEvCN/q9i/71Xb7e9V1vqmVr3IHn4Vvn0JkgdMW61p0ER5482f4SIUBrZ"
    "IsVIKgxyBi+U/kHNXnnNWDfmhwzkl8S3skDsHeqpd5F7GsSmUcyQpj/ZJ+1DmOViju9YUe"
    "Zj+ZISEfQwpOnc6b1aRVITYYVcwxmIiRz0x7iAXxJB56ui1TtoqVy6cdxnr6dJ3mWH6Z1T"
    "LYN1q+tr3R2jxeULnlZOilPSy5e8BEkPF73RxUWdPY0XF+VbGqEtk0tSVLejHOHigh19QP"
    "f0pI5OoXuV50md5LQK/URVWEzvx6u3b0p8cjFJBmWPzhX6nzlN5gjRrgAXwKiOWWbDk0Nb"
    "lx7C6OENvnnoxezT/wH4sI8C"
)

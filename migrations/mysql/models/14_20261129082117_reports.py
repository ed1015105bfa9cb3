from tortoise import BaseDBAsyncClient

RUN_IN_TRANSACTION = True


async def upgrade(db: BaseDBAsyncClient) -> str:
    return """
        CREATE TABLE IF NOT EXISTS `report_cases` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `subject_type` VARCHAR(8) NOT NULL,
    `subject_id` BIGINT NOT NULL,
    `post_id` BIGINT,
    `excerpt` LONGTEXT NOT NULL,
    `status` VARCHAR(8) NOT NULL,
    `open_key` VARCHAR(32) UNIQUE,
    `claimed_by_id` BIGINT,
    `claimed_at_ms` BIGINT,
    `author_id` BIGINT NOT NULL,
    CONSTRAINT `fk_report_c_users_a2ab0f51` FOREIGN KEY (`author_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_report_case_author__3a2354` (`author_id`),
    KEY `idx_report_case_status_4a9ca4` (`status`, `id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='`open_key` names the subject until the case is resolved, so that a subject has one open case.';
        CREATE TABLE IF NOT EXISTS `reports` (
    `id` BIGINT NOT NULL PRIMARY KEY,
    `reason` VARCHAR(16) NOT NULL,
    `comment` VARCHAR(500) NOT NULL,
    `case_id` BIGINT NOT NULL,
    `reporter_id` BIGINT NOT NULL,
    UNIQUE KEY `uid_reports_case_id_908fbd` (`case_id`, `reporter_id`),
    CONSTRAINT `fk_reports_report_c_1a062499` FOREIGN KEY (`case_id`) REFERENCES `report_cases` (`id`) ON DELETE CASCADE,
    CONSTRAINT `fk_reports_users_fc118d79` FOREIGN KEY (`reporter_id`) REFERENCES `users` (`id`) ON DELETE CASCADE,
    KEY `idx_reports_reporte_b68680` (`reporter_id`)
) CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin;"""


async def downgrade(db: BaseDBAsyncClient) -> str:
    return """
        DROP TABLE IF EXISTS `reports`;
        DROP TABLE IF EXISTS `report_cases`;"""


MODELS_STATE = (
    "eJztXVmT2ziS/iuIeumeDbXDVh322k/Vnj4866PX5d6dCHtCgkSohC6K0ABQyZrZ/u+LBH"
    "iAZ5EsSqJoPHS7RCJ5fAAzP2QmEv8+WzGP+OLJ74LwT3jmk7OX6N9nAV7BH/mTI3SG1+vk"
    "FByQodjZRjXTR/BMSI7nUh1cYF8QdcgjYs7pWlIWQNPpf0zuyG6K5szfrAKBlsz3kFwSFD"
    "C+wj79F/HQQv2pjmGJVviOCAQPJRAOPIQ9jxMh1K9NQP+5IU/gph6bq7vS4HYP1/8SfAmm"
    "ZIWpP0VUtUH3hNMFJXHTEWIckdVa7l4h09DcXzVWdw30rak3QtslnS/haMAi0SfoOoj+No"
    "8jJPV9tMTiSyAZmpHkbkqQBmi6JoGnXnRingiuSjhBgqh22Ee6G9Q77RAJJOH63kK9G2JB"
    "+Cac3FOhekI9XzDnBMObbqlcIoLV082XOLhVrRfqPQ1+5rHmmHsCiSXbPkH/u6Q+QdMFDi"
    "ZsIycsmKjLePp9n41QQLZozYRUSHGAXH4JtpxKCUAwhbvvs616xu/QghBPvEIgq5+ZcHVj"
    "9bwreM0FZyv98Hgjl4x/JxDbBsinQpq3UOOPSDLBC/WSk5XQNxdEAsY+MW8tsdwIOG4aK8"
    "ymL+PrBgoQc/35nG0CCe0UgIJ4ejyZrp9IdktUI65G1ed/qMM08MhXIuDn5zN8jyXm0NVn"
    "6tznswwecBnqnf0D5NZ3E9WFvpf6vqhuoo9P5G6tj/1Ib98E8mfdFob1bGI6IWm/3ik8gl"
    "iABhKO3pJAPb0knvXVBRvfD7/O6JB5LXVA8g2J38dLDnhkgTc+fLsgbZ4gOXY2mbz/8Gly"
    "89OnyeQs911HEtanGB6aswB0gnpWoRG4hUf44T/H4/Pz5+On51cvLi+eP7988fSFaqufN3"
    "/q+Z/mYRK4zKU0aG9+efP+EzwQU4rHqCM48KeWUZ1kpHS3JfDDl6L/znXC6yXmxV1gy2Q6"
    "Qr1gm46IDiQ9kSjNQ3TFCn+d+CS4lUv18/xpBcr/c/3x9a/XH78/f/qXNNTvwzNjfQpAz4"
    "Osv5IWQEdy3YB93FGfgvqqDtRX5VBf5aDW9qAJxrHAAEfy+PKiBr6qVSnA+lwBwk1Hckpo"
    "cMN4jzhHvGeCpTLwzUxl2RVaGc8Q3d4M9ANaz6RPUqyzyfjPCR5O25yd5bqg3wM/hVVTRV"
    "MovC+wcxrn9LDGQmwZ9yZqqrVshHNWcIDm8/m4BuDPx6V4w6kSuM0Es5VWL79GN5OiY3fB"
    "URT7Qj3LpOk8KCV0VIW+j9H/7Gkdcq5alY5/fS6N84yyJgiHzQeH7WUtbC8rsL3MY7slM0"
    "FloxFsiQwO43EtjMcVGI/zGFvergYwp6UGh/SzcS1NMa7QFOMc0pz5jYZy1P6A6IJ75kAI"
    "X9UB+Koc36scEwHf9EQ7ffMol3OPtNThCMfT/bKN8bOL5xcvzq8uYpIRH6niFgU8InLsN4"
    "a2QNLBWwwvzO/awZuSdPBm4YVAmGw3K8mJuslI68lIFJtsMLxtkSOO66f9GcsFccg0ljcr"
    "7Pvl+iIvftK4no+fX8WQwo8qNG/eXb99m4eUismaU8VlC4hZNZppyW8eSBOUb8JuE4kD8l"
    "s8l/Se5Bmudbyb6UOt2UPF5CFLbjNpEc0sWYHwngImw8w2gEyPxZ2VbAAHZnh+t8Xcm+TO"
    "sDEra5s/tRqvskdwgG81mvDe8MBhwtbPjK8I/z2MoJfmdRU1G1VleC20wCQKzddN9oL2E2"
    "rSgwJIAOKE3gbojuxGSDCTXaSTs3SWEuQdmXHoxak5SgXsBOJEXeg+zM9J53vt5RYPpwC5"
    "zJ5+Z/a4pJO9J52EX16z4W4JubnSI+ZKRllNlP6ifmNjXyi+r+4Ypg7qib2/IQImwKWGPn"
    "W+0sIL07KmZf9IFmoQLZFkdyQw2b5CKtOrrKpAN79e/zC+vAJrq6wn5YjjwGMrNP1D0ukr"
    "bY3XMHVnGwGpyWC578hagu3WJ9k94T5e5439we5aJwXY0mQu1ffYqrGcEHAzZhqnemTlBp"
    "jpcVUnteaqPLPmKp9YE35gzRNrsoKDCxd2DzZnsq3fOic6mKjAgYmYNgLKNBdFZaonG4nU"
    "4Ib6fnIQzEKpRgkIicjgML64rAHxxWUpwnDKhcF6qFF8LCT42Vp1RIGw64rWXUG+rqlSIK"
    "0WIWRF3ez6EXFhNd1rR3Oyoi6k8Rie43x9R/MupXsi3w0/m7DHf5Gd7oo36rlxMC+KOxet"
    "7D+xfvgzGmjR0eQT5Hgbu2Ds8acAMGEfzRivb15f//Wnsz+P47P7CRbpfAIXVqnbLttkVO"
    "W5M4t+jE+sZlwuqWigl8HbNQjggL4W2mJYVh+oQ6wg7tbqEg39ausNXzNBnIvt+BppVOFi"
    "s7qptr8nERmgY637xGX9OTX2qqWlhhfS7Nyl5tbR7319t5tT9YDOO19PL7rBzarcrKo3/T"
    "CEWdXNZr3mD6REFDccPTzDEolMzXnWr1jnJAJiurwcC/wdwlDgbRmmKSRl5GZkjlVDddq6"
    "D2Ib6dN7IuxyZfnJ2B7vUzBj+xwFVmJmKdmazs38zKVI9kLVjSqma9neaxhOG3JGxHmdpP"
    "zz8qT881xSvvk0GqAcCwwQ3u7nxY7I9odNHcfuv/HIas0kCeY7xdNKrX5Rs0qbTxMByAmv"
    "afEVRSQcFhdQU2FUNQ8ErBwCG2ssMVksyFzqxQkBoWBUEflKoWYqVGJVhthkI8KJvKXv+P"
    "q6nKp6O63Tp0i9cyChbJrhAXOfqt8j/TdXgkSTC/ilRF6h6UI9FOFr9WwSCu7eQyVXLccC"
    "hZt8gqbKXqjRHS3PMNfZfgm0lxh8w+E3qFqq19gSbkq54nvI6FxEJWznbLWi5oWortW6oo"
    "q0BLeILsKsTjYH3zNc8I76vkFnRuSWkMAt5+i9IqniKtHYbGJBbRnn83zQ52l9xU1QzogN"
    "kK3sIWMzUodN0xgsMcdSWrvbjI3JY/+JfC1BPpFoNb57Vj20AsBPP/1dw7cS4p++PYy/f3"
    "f9dz3CV7vwzNsP73+JmlvD/vXbDz+eIDkfpkntCTf/jQlZysiTk5U8XBdfqpnWEK7sNaNm"
    "ipaKzwprwS9cCinmyYI5eaWO/8Fm4TmhmKUAbiqQr4YTH2kGieV8SURB7sN+7lNjhwY4p3"
    "AJd2oYIe2nA9qtGvsbj3gv0RzDxRRDJ2vNjpf0FqYAsAVE3QwMs+2CW9vUi0+5ih3PsXnw"
    "BhbNEhkEZTu0TVvBDDkMANTF3JZxPKI55j69I81Ly2WkBrPCqbu6Z2wFI7M5snlBB25u7Y"
    "BHW1LfrKTbt+ARKwdcRbnHDuQU1202knOibii3dl3YlLx+D6TEnOeoq2whA2u+K1y+UEG+"
    "UGoM9iljCBwQb1bqXKWLwmoxeshPMaHQuK63YqUsPbZ3i4QNEj2Yq5u4FodNXfTEIYr2aQ"
    "lT8uQVmt5jTrHqjHBnyr/dfHivN0lMKqDoUm0F/otD3rkwgciAZbQSE/pWufShz2fxYzoP"
    "xHHtUMXSj6j3cp1QXRrVlhuSXeqiTmoy7HOglofjUkKD8OwcYF+WLfVkQWi5dNTG7Yc0ZD"
    "ubKSjFf7ts4kdIBByeBXjO/A1vmvtgywxQC3Qfkse+nEjytVHqgy0zuMIySk3W1LSVqjan"
    "ayPO2MRxbssMYjQf2nNu8ez6FNkm5wPSy8d1GQCoHTgMUkHzE+uHug4Da/z1yV3wDhh2qa"
    "vAOjuqchNonl7PQfDbZqYm1UvIdF2xe51hwNkWSYamlrNhOkKbwAtTZQUUOaeQT2tN8SFp"
    "15qyQ9VUrGf9nOR9A4e4KSQ6fNKJvaByROR1WNO53EA79R9ZreVO3cOHxN6p2QdCexumsC"
    "/JbvoEwQWop3ON1VgyXgxJTY13+Huz9hmuW8398xnbBqlyriPk/A890aqjCv/DaewpcsIL"
    "bBw/PhA/PiWvzynvxXsCPp9TyXE4CYfPqYB5Ot6eky2Y7VwQx3BBcKaAWClIvWYVwjJybn"
    "w/OL4jyDwiG5axyksODu7xZZ2K2apVRTWrXM1se9ZYfw5oSzkPW1ceNo1qBy62byEnxx6B"
    "ffKx/a6dNr9hXr5sKNtkVOVtM06gyVq1rpuVA7eL02LY7A8yl1ESTDpJxlzbVDxdGt8Wmu"
    "1gjc+Cw7ZDapxxOUUsKEjA2dNNCnNtQgxMZ+v2rlJPjzTaqNq7xQvmV1U9EIs4w9I62Vb/"
    "24A9Re0HMT/YN0lNqaP64zol5sZ2V6TJwNoFa9IXGjpvSo3C/hGnB0hTbcJUkytBCG5BuZ"
    "AQlZsTek+8KRCXqVEf05CpWNs0Ko6judgow3am5t9pRHusdOM8ezrMbaMgJfUMT8My3Uof"
    "wVCcaA1jIGJqM6KOEHUnCIAWBid1aQOFoI6XSgzGP6KCXwJTcuk7gRRDH0HElMq4iP6jYp"
    "nmTV0gs69UL7S4jbogkXEG8RGLBI0KaQa9LTWYWMaBkQ9VUgOinUgMkGrvJdrpwvcHC98b"
    "U94ktmTLDGJAHzq25Nzv/ZlJOvf76bvfX5vCHqXTyNT5UdU8MioRUmsiWY5vndmOna6u5n"
    "yBdIWreqErRhWznVRHNViZYIu5YhJtiXdYn7kJVbFEHFNxZcNOAnNO1j5tUTgsJzeYCX5n"
    "yYp9LkczVGvqVvX1b9LjVvV1t6ovr1/6N5s8pG45+fpKb+ldeWml5OSoah6pi3h2P4lM7z"
    "Idjsx8ASJrzLrZ5LHtX2URImcP3Q6m3wD0VZk8bgfT2lk8D+1gmiXbjuKdcuGGn5nvs20p"
    "E7FPV3KRhW64FzZiLp2oUvOTFLMS+2zSWMtGqT72+cxht69DP1R5FaHJ9nDtfsgIOuv6mO"
    "SU1BfZtAscwema4ETAOpJTyxhnxuHDRCfSHQ7fJviS3hKej0ThWbH/VkGrGvRnwo3AXmhQ"
    "eO140ErM1eliFpScg56xBTXbSZ12XOfYhrWc62T7vEkOblrSmdrWbCf1tdTvgZSYg78rph"
    "MPbGeKa5nirCJ4mOuYgevgrQVv6ivvE8/50Wfzu1J+Y52t5DUzaLcXOqOvHI9K88srZjPW"
    "ybhpQmbSF3Js5tiGs5zNpPuxfjek5Zwpbc1k0p9K0w5wVLJrLhPi6kxtLVObHoUP85hQbT"
    "h0G6Dbx+X77zayPFUmOVnJY1aq2V5oDFw4GpLwdwmFiU+FzRL6Yl/AkZdj28py8mL3YP1O"
    "sKWc3WxNXOyPpBn4jrR0TVo0qs6o1jKq9gh8mLBoZeGQrY1sH8nKR7JmXL7GopyyZJtUEh"
    "euG0/mqnXdIo1sTQKzz4jeaNRsQ7IxdRQ3gaS+PgJXhMo6nAjm3xNvhASL6vZEraGoIgsI"
    "gitqgYJqjfu8G5QZmpKvc8LXMq4ICdUX0Hap2oTlf0y5IwMU8V7qRibvG63wDsGW8Uj9bY"
    "aIEqpdKijZDcMRs2NzgYo6kGb4GCRzHVGx10lGbhBLN9P1PF5UgB2tIXxRWsnjRbaMR4RY"
    "0wGflnNMrDUNPkouf88Wyh4H+dAI5ZEvX6FsiQxCtRx6hfJp7F51Bmzl7BS1eUTcmiBsy3"
    "Sy6v64/CUF7/m4Br7n41KA4VSmlISP6UrNUma7xko7J+pUd1vVHUGJ5WRVoE7q9EIs6nqh"
    "bS+4ogg9cuG5FeQDWEFu3EgPeJlqe5j2EhwDJ06chKzdM7woPOY8K/30rHCCBQua8MNEYh"
    "BTnn3vHxsWAmyCsCUyuPKzl7Wqz15WFJ+9zNeetXRQA+KXCDl3VWvOZ+v8RvBnBB3v64j3"
    "wbDugPUVBLBO7HuoS/4sPfBw+DYatY5X11uXkPrG+8Ss3zNJF3SuNyIp5df5RpUsO7CaN9"
    "hBxnQquiM7tMJ3sHELBDoJjAakhOk9lTsdNLWv/wRN42UJOmyKEQQBRmZHFqAPEA/FCEp9"
    "FO8gs//bQmiXBhMF2Ev0FFGzeQwnc7qGPV6QRz24Ntpi9UMuIfSrvpBohxol9coIsC38Gy"
    "B1yfsw+Mxg/oHmSxwEqhPUU/o7dTcBy2DUNwedvZoRLtI3/E6kXiXc00bvkrNk2yB14/e/"
    "v32LFupV4rsJdQOfCh19fha9DBzQ0iJ61FfRJjm6cBf8MAjpZ9QnArIlgNh2yQRBU3NxU2"
    "tzivQ/In1XTvQgMjfGC/U9meeM+gji45vAU131BH0KAVPKZyeSALzpWNX5aUmqEYEngvtE"
    "cL5MNlqkes8fgufLCGz0/W+/3/w6Qj+9u37z9i/m6vAABlk1dBRmIK7emgQe3PEPNlMXDy"
    "NUo2iYqL9forWvlEfUWSPYOgirgWPwMtsHmSEFIf4ZCaP7nkkGKN/vMe7waBFtGPxVr80K"
    "FtZCgmZWJBpJBVme2aZmTKSFii6ZtFMTKMvdWC0VPXtqCVLBLUdJmRMrFphg7VIbjkuYK1"
    "IbrC5sEG63pJzDuu3kxRinPPI3K+z75R9ALHW4eeOzLO7PHo31+fj5VYwu/KjC8+bd9du3"
    "BcumG+bjDDgPp3vPkVuT7hJxvknkLdrSCPy0nMO/Lf4Jv2xiFhOpb94sxjO2phimBI+468"
    "LTXsBoT43zSJaCmBU7aRw727Eimt03HZK23Ekj2c2HjVslGaXlnGVqzQy49k+2yvPKijpq"
    "3D7Ry/KkNcjzsqRcuK99wDXtIWyihNKS7gPoKuYaI9u/sGAvQ67ZkVhjPxzQHf1Dt49BV1"
    "vN9ini+iaYsa+loVbr7KgqxkqhXd1lsh8CEw1bE56EAZ+gN1IgqIQCEUWKffqvMKoIVPcW"
    "/mY67lkaOMzHU/d5o4dXsZaGdvqxOYkL8pz5WMhJu0hPTnQwmzEew2Y3UX0PbS2jPvpPTP"
    "3vEKbnqN9QXcvz4LYy+0nf+Y2TBeHwedRK5Mk2rzQ3tjqerGPJFvYHwNFJDTrJRedNeHSx"
    "gCyVBWcrbRfCnoPcEDpfQnoGuSd8F+VeVNudrm7w0G5xeli79P7+KLkqw+MCtHsM0K43Yt"
    "nUnRrJHDFG0u0A78KtSlaY+k2RjIUclMNIaekfmP2YPx1bi/bBw+Y2d9wTCz+Y++ev5J5W"
    "MHT7dCUj93TDmgT8GnFyS6EVHEGS3ZEAMpp/ppzMoFzZa59tPPSOCIFvFfgRMZ4RnwW32k"
    "Gja52p81re5FLDFdU8wIPiZDA9z/PyA90XEuwh49tcn4oop3+2U00Euvn1+ofx5VWSWK3k"
    "KHikgludQ44DNV9AejgjrLd2fIKukQE4TE+PngBSuolq6CE1KxBfgoAhYDLk0S4qNz847v"
    "wARs5E9W4Bka2YJaSkupkr9KhKzNVFjZnC1UXpTAFOZVI5AbDGCA90IjZ+elGnzBE0K4XY"
    "nMxMx3wsF4yvmuBsywwQ6j0sZ3cZGP3IAojIQLt0pLy064zWnRGSpOY1M1NyLiWmLf59na"
    "YPE/mTm6WfZKisQL90gOyNudLAwU3r1T45Qf7GZqUekPjcqMr98Qeb1a0RzzeBMe9THRac"
    "+gQqXeh67eYgJwgmhtohIemKvArbTBH1SKDXc4f5KlAj0Xghlky9pz4I67pzjo9D3bROaX"
    "fVYKPRhJqx5qPglHEqdWnT+EHNqum4TfqBzcn8lRY0oGIZ8ye3urqn/o245+pOCGOBAc4G"
    "u69+e6feqwm6UfsBgtu902iNdz7DBfiW1yO3RAYBcQWke6lHbhuIRlF9S24w+XldRFAtg1"
    "lPQyS2egjjN+ONq6N/n5Xr32c5/ZuQmEYkIyXmHD/t10FJSVZrWYB++SIoS2QwmqK7Raoc"
    "i2XjBb8ZKQdrbkE/KSwKWa6FY4HB1Z+9qFN+9qK8+uxFrvhsZsLYSBHnZQczeA9drYWzW0"
    "5EAf4VbNmS6WSnk2+MLS+pkIwXkOVyyC0Rh3hzxF30tRfKJuP9a9QPeVlXDuJgS7q68+T/"
    "N/gJb2CyWurQzzYZVfn1td+xpmf/RyaX2ncu8u70vEv+wdaPyN7T/zbglVH7waWMdeVaLf"
    "dkryGDs5XGyUo6fdNW75t12+3Mb1bUmd9TVPs3c2W6N3650k83qFT5ImxaN54bKFY9seKr"
    "VGQjqVQi7N1DCoCIqpmriwYCCn5HaeQ0EITLqhDu/u7jLE1/4kzllibd/83UXF7W6blT1H"
    "Pv1T8Vq+m9emvnvdq6TVe5AGUjNvyeRts8aPfYy3DXhK8mD4Rw2NwANIvZCoHq1exqKN3r"
    "HwLNTcUVvCuo07Kn+8A6nClXQ3qrXm9qtnqgAcy4BREjhOecCRFeVV1PoC3xfVhr47Otut"
    "o99jfErMeBcjDxngpQz5ZK2PEg2mICw0YZ5EsQ62Noxgn4VIg3Qnq/CtjTQuFMfQZP6sNe"
    "CvC4ZtsJW08/eu0OdHDTSGkkM5wMl/Zh0nIVzLZBUSZlxabNkcAAw6bOZT8oC5fqCKOOG/"
    "ZAIuSgf8QKEmOuGmYOWFLHBf/xBYG/HTb3Gqup5i+mY6r2OytsV8nx5iAxuY1FWhRG+kg8"
    "Kp4gnTmsNxVLpwHrXb/4KwQrjjlTM04BlY4UOYI7CzQjC8V90FRsxFovUE5yjavLJe33tm"
    "6m25/Fi+U0Kxm3zbRgWs4ZofZGaFO8aq5i9+lNyXq5ITDd7hME8/qp2Ugvlncj/hRZgF4e"
    "prqjkgLkG1Xaf2o1b2T6leUlazZfTuNiuFvY41MXKYycGzTxbbxC05Uy2Hiif0abj0Im5S"
    "6yxSCqd4Y0fptS63+YO3dcEuWB8l0DWzS0D5eK7vMmliYWGKKh6bwuxIzc4lYRg4ygMy2t"
    "yVRaTTUZ6nnJI4/5nvkOe2LArwmn82WR1Q7PVJpqnLR5yEiXg92xWXu0RQuNU98N2iMz+c"
    "ut2j3hxaUByj92S2SAlm18eVnji1etyktLwbnMOp+iiqrlCBeXUh0Cus+e1tGnqlU5c3ia"
    "i8aoO8rCvXP+dvPhfUk2VSKSQdmjc4n+D8FmlCeIdgW4AAZcuTyfPJs6PjLb0cISh+gCPx"
    "7bmP35/z5aaEc="
)

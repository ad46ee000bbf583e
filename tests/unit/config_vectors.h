/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and sealed boxes by PyNaCl, keys and certificates by Python's cryptography. PEM is the
 * inside of a JSON string. */
#ifndef MSE_TESTS_CONFIG_VECTORS_H
#define MSE_TESTS_CONFIG_VECTORS_H

/* clang-format off */
#define OWNER_PUBLIC \
    "79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664"
#define BOX_PUBLIC \
    "5714769d116bf76436ae74bc793d2c30ad1903c59ac5273805c7e2698b410c36"
#define CERT_SHA256 \
    "81acd762140fa692a142822d2fbe4dc6f54bcaa501f68ab37e5aeed0bafe4d99"
#define SIGNED_DIGEST \
    "5a20e7bc39a3d274caaace4b21f8da1d3bd707fc7788c7e5ed87b9d86308dbdd"
#define SIGNED_SIGNATURE \
    "JM5AlmAJWvq2PJNAgulKmXDEz6fGzTCEBb5ZZcukJFBEZtn5tmzyFQY20V900b602TGttwvydP+VkTUddWJg" \
    "Bw=="
#define SIGNED_STATEMENT \
    "6d73652d636f6e6669677572652d76310a404142434445464748494a4b4c4d4e4f505152535455565758" \
    "595a5b5c5d5e5f81acd762140fa692a142822d2fbe4dc6f54bcaa501f68ab37e5aeed0bafe4d995a20e7" \
    "bc39a3d274caaace4b21f8da1d3bd707fc7788c7e5ed87b9d86308dbdd010203040506070824ce409660" \
    "095afab63c934082e94a9970c4cfa7c6cd308405be5965cba424504466d9f9b66cf2150636d15f74d1be" \
    "b4d931adb70bf274ff9591351d75626007"
#define OTHER_SIGNATURE \
    "UtyU7Z3p1TME07+f2r1cFr5N+gjehZfFoydpSaj7eLKfmdoZrNTy29hn7Jz5mYISsKJwVKpZvQMzZQ+HlyI1" \
    "Dw=="
#define BOX_OBJECT \
    "QqbHq1kU4YV7Ngxa_-JfmddNwpYYh6ouRvGYpjbNPU4gT2TGfcRX_gZhsR-2hK9ArGoiv05tQ7Ji2Ya2FdrN" \
    "N87mv0dS8IluF97r-pNYYlaoUTI="
#define BOX_UNPADDED \
    "-Yvsam-Coz0k_SMMk2KD_YlTGj1pPzr4Fj0ddHXjWnPDJKt-XbDALUM3HXMr39CvTu0"
#define BOX_KEY_FIRST \
    "VfMOe-eEK4l8zoQFbcsg7-N1WylhFLZzMSatI7dO6FyJmyX7WEFCgL2mqAGVmOh9__0GOv0w3uVBmeon126t" \
    "-q-A0xPitmBriTk3vD_dov8YIQL67L3JO0z25ll0Umz3bCaZdRpdXYoWdSLIt1cIZhejsp-Pt1zNtlPW94Yl" \
    "VY1fKvHBlfFb3ba3JheO5hG0v7ZMlPUqZbuBGno7egwZ7g"
#define BOX_KEY_LAST \
    "u4ncgBRZETT4ioARiV--2MyK-AxrEWElUJUH7xGrpw8RQyr9hFSASID8urTuq1py65Vrktm8ir5SODVGQvCw" \
    "5NwnZaRz_M-y32tK1bY6lGAsIZq0gswHg7cIz2Y3j3QgOjvhx4p4qWLglJpj0v848ieBwJyxPcMz5a8gLNLX" \
    "6LXzTdsF9hZ2cqgA1Sk6ky7_DHlGi0f1"
#define BOX_KEY_ALONE \
    "2uiPotHLszc8L0MTD69xpUho95YcCd2Wc2qRtXZMcAfyKTXxEe4VeLouC_K_iSPcZnBJV_K0RE2ygOdzFZ2X" \
    "-09LwUkIotPyKO1cj-ZQXOUtHO1vu6ilhJxfOK3D0TvUn9yKlv9EWMW8x1TcT7XTJ1W1AQglF8VB7Ppx-wB-" \
    "fciY9l1aH1o"
#define BOX_BAD_KEY \
    "ye4H-FhQcIHKzLS-u1Q8fphG6PsKI-wmhINHHgbc_WBiYLiFRnwokh82oUmSf7lfrYpN-_dvw_FYd96KJZbQ" \
    "1oeLeka1tXr2"
#define BOX_ARRAY \
    "ForMkq1ZImJnV9qTLbhLSgUkVnb6IjedUh6ZjFeAvBHIv9iNtabCGWvlsKucbFnVBVYX"
#define BOX_NOT_JSON \
    "NpRdvQ0luFQIJ6v40CSmiv3pRCcRHnuud4uJ5yS3QyPORwipC6GiGz8MPZToWBkXjsF1u8yu"
#define BOX_TWICE \
    "Z-Sglja8EC8WhT_j9-ctghYZhZIKbmhZJEvDx1jPRlNSsT44SrS80GuExyBttyj1NNLohxEXm8Appwr3vw"
#define BOX_EMPTY \
    "mEroRiq0x662Iwyd1LYJ4g9zBhnifMZuUuE2VVG7b0fHoRpsq3VX-4v2Obbt1Qpm"
#define BOX_OTHER_KEY \
    "lNveVywDG24OWcjCynmsvS28-UweO5BHVHmYwNg4ODC4Z1yJbGSo9NkK3JzIlFQ0AmE"
#define BOX_CHANGED \
    "MitKaziQpgbGOgQwGQQHKksaGGCsv1FzPmefD4L-akyoa-8jG_spvn0xMOaYTP5DcNohk8dcPA"
#define BOX_SHORT \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_LEAF \
    "-----BEGIN PRIVATE KEY-----\\n" \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgSC7Is5LLCNfHDMjP\\n" \
    "Jzu5z0htnb8t5KjcGwY6RIYEZ+ChRANCAASKnHKNezPH4cfdp+/e169MFHu7wixo\\n" \
    "y2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWIO1vPcUcPJE96wj0I\\n" \
    "-----END PRIVATE KEY-----\\n"
#define KEY_LEAF_SEC1 \
    "-----BEGIN EC PRIVATE KEY-----\\n" \
    "MHcCAQEEIEguyLOSywjXxwzIzyc7uc9IbZ2/LeSo3BsGOkSGBGfgoAoGCCqGSM49\\n" \
    "AwEHoUQDQgAEipxyjXszx+HH3afv3tevTBR7u8IsaMtoGIovQ6+K/UeXrQ8CXtQL\\n" \
    "qUaQsvdxWubghrGFiDtbz3FHDyRPesI9CA==\\n" \
    "-----END EC PRIVATE KEY-----\\n"
#define KEY_OTHER \
    "-----BEGIN PRIVATE KEY-----\\n" \
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxnUx+BPS99m2lP8C\\n" \
    "e+yYci9O9/rGfDdDMDZVMXtSASKhRANCAAQ0uYitwJ0dry1zBkbxbaJOcKq8Tjey\\n" \
    "beb5i9yeq1d7Tg9iecEiBb08qvcKZG6ZkS7UqYKg5vjYKZ+BvFdI54l/\\n" \
    "-----END PRIVATE KEY-----\\n"
#define KEY_384 \
    "-----BEGIN PRIVATE KEY-----\\n" \
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDB3LI37bM2Ugg0QMqNp\\n" \
    "wSlKB+St7J1dnoBizhVcgExJJveqo/4nErl1REnKX9rTZ1uhZANiAATLGby3eiWI\\n" \
    "MKO7MMsgp2fmMT3IemvMnaOad6Wdgg9Zv/HodlvUQXIYKfEfUvnBO+ejJfne92Vh\\n" \
    "Ob4//SZd5g068lbj9joAvQHMsMHVfhc0l47baUSmJ7EXaaewa1GOZEk=\\n" \
    "-----END PRIVATE KEY-----\\n"
#define KEY_RSA \
    "-----BEGIN RSA PRIVATE KEY-----\\n" \
    "MIIEpAIBAAKCAQEAv74mS8YAAQsGRlRRBIN2IvOCIDDI++Zg+6CGkjgUXEnJ+exp\\n" \
    "t6D3667Xe+2B/2/YmC3Qa3rhgTe+yWGUHDmxKp4Tuuf7RecREPw6RhCnEs9mbxR5\\n" \
    "+4itDLQZSkiQlVnRWNv/HN0wHkVLRQqe8N+s58LsiF9LiLOqNs5L/lIo3/o2Gfle\\n" \
    "UWWnbwsQlZ8CwuqZo3NUL93wHJydgpqnyCwyn7aWE5Op5q+Wi0sRhKZf2UhDVzKE\\n" \
    "yVgHW/cnsiXHG6QYaYYthkxGdRcMIBgd44/V9P72ryyO+VRamUpOKVGlDxWH3WDh\\n" \
    "BfFrEoKdTbaPBpd+3nKGID/e7GHh5r7QZRUaYQIDAQABAoIBAA8V2p04TBiI6aLX\\n" \
    "oCKo5Z7hFeYqtGtWIB/37JJ9MUPkBc0hD52z/0FmiXtNb759Khcp9pV4Ltz72emt\\n" \
    "4MlaNCFAW9jHBtbEc8wobfzEc2KYWOypGaJDqeq/kiRNInvvm7gAIfl/QPmGteHu\\n" \
    "EJxumqPGyxV9Gtwb14rVjvbIt8DMQ7vQwndp5CMnpP7PT9Pr9CcwfROACtfUNAgm\\n" \
    "YCKGHudfUtGvb/AYcaat6ri3+h96u8u8idrEOLZOltBjLHfe3kkyXDEnx9RZ/BJq\\n" \
    "/Sa0B+1+kCcbR/vQ0l2b8zI9pf+EvWKaOcjf+mrBbz9xYeVE5ha8ZQd7Vqob+Lvv\\n" \
    "/hdvhRkCgYEA5GmCcg9iDqTjpNJLVQMpncnv1OzM4HeLdu9rM/9jTZwlQDyA2cby\\n" \
    "N6kAJXJW87JpIF3BOj9Bmp4Gp8ayDYiiZs83TdJlF5d60YYlmBsU7xAo2nEFtMQJ\\n" \
    "CNe3AKA+Rmbo9p6+a/yeXlKCgzTfpVtO37ajI+lbpE2E6QX2dxskXlkCgYEA1ubT\\n" \
    "OFZgo0g2hPf71dq5dt/eNNGsXFdhrU6BfY7RhlnXZNin37TGfNwrguAvay+S2tW6\\n" \
    "UkNurAThTpzQUpFLrSsV5m+LAlkhGfrqmAUUtc0vWSxTGSJkv+a1ybyxuMZ2BDXM\\n" \
    "MxWP+vUlNW3W6iIbCB7kgKynnKNJo2eIdFOfa0kCgYEAjWrF2NitXWO5jdKl0Xyj\\n" \
    "x42/b5UtQ8zADGMvfIIieWqzpZHQNQV38f4wmP6x1zAe5mslt2pys8gjVr0ugDKY\\n" \
    "Wg7xrr0U2gZvhEoJ/KLH0zuuD5Dqd4DoFxF3vGt6IxyUIB0oyLMfWka7h4C09ywR\\n" \
    "KXFqkFFq688S+zM15YhofAECgYEArb0/1rQ+vMONEENMnsCOYMTs6Nb6+kzK80oc\\n" \
    "9l2Yl33a3fUrA3krX5bAtrZ4n7d+it1wHUHXH8tyPBQbeCVvgTjsI7jaMbPNRyvM\\n" \
    "rcqty61vMjDbnd5ohZ0IK2kaZcBNeWnlBQfRt5qp0mBS+EdKg242XrE3cTOyPSFe\\n" \
    "+G0C3cECgYA5Aob1ji0VY9HKZ4ZTIlOr71FBSEzi/rOx+7ZRl7AKKSWbrAiQYtkz\\n" \
    "AbgRV89jD+clXcrJaa4iCUbQ0fiqEIQZXZvipY+SbQ2HZMzqdXUgikRmLKJ/wFiW\\n" \
    "uk2nANvL13GWQQkC3ayAJih2bHRTrfBCJ9HzZQRqajzTp/ac9IoQUg==\\n" \
    "-----END RSA PRIVATE KEY-----\\n"
#define KEY_RSA_1024 \
    "-----BEGIN PRIVATE KEY-----\\n" \
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBALYiSJme+BwMe5lq\\n" \
    "9lkikB9/77ts97GCE4Dp6WqH3YZnqevgGmFFybr/Adl70sJOMEXTZc/fB6hNfz7N\\n" \
    "95GhTqJMMXHZ7e9xoEm6cC+qYCHFpBv3BTLMRPbV0cUZciXgecEq5Sv5oHX3EWQn\\n" \
    "4cAJ9f7K/chbiu5fmkglqMRVwUXzAgMBAAECgYEAmbFOgEvUZJ7oAetv3IG9CsfD\\n" \
    "/e4TCniQir1YmevytINvsTrYJ/NjKugboHHLxOmD9LhR9trmtFBJKy9VVU/AcOnN\\n" \
    "prXAklNUoCaCwTDzlSYjX/7iGOUJ4aOfIXtiR3rBrMXhucve7JiACOVzpQj35dDS\\n" \
    "w8FTQie6aOZK1u0GqLkCQQDblljEvnzBoMx4YMAad5qsNrCwV+QROiwDDWcEq0Jh\\n" \
    "faCGKYxOQm6PIbD66gapN3dPwAUP4R/X1p6rqyv1GZzPAkEA1FYDAnWlp1nmy4P7\\n" \
    "i7hWw578eV6Egp6p9/nz7PDCTQ4nulyzuDuSouvbIG4CATg5IHtGitvkCqN97FkD\\n" \
    "YOb1nQJAIL7J3AT/+6vr8eOToh7F3PqG3LUumHcRSx87hpG3Y2xlfLxDZQQ5EnUW\\n" \
    "vEQb3C4eR7E90AFlSz2BCd6LvpAkNwJAYQN3Vo1YBVEvALcpm9m6UqB2LCHCG0fQ\\n" \
    "0oqyJwSNUdVw01X9iuQ1CBkIwhVg9xuwBiYswc7brvyp0O2OfJyphQJBALE5FYNP\\n" \
    "kgVYixO03jV2GQAemLL8qcvhhlYQIKBVTYUo6JP6k9NEu+ReYJcZP3gueK0EvE6C\\n" \
    "42xncIpF1reTW4I=\\n" \
    "-----END PRIVATE KEY-----\\n"
#define KEY_521 \
    "-----BEGIN PRIVATE KEY-----\\n" \
    "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIBOmKaSf64KGrVDGdD\\n" \
    "djDI9rF3CVyfkuzG2rcfymStLDcCG4UkjEdWZOVncaBuOwVwSQG5YNtPYSkepbu3\\n" \
    "bmkSQQahgYkDgYYABADyMqfkqvoo6LttuIKEmqAxXx285HY2nF4/bft7XNB3Remh\\n" \
    "trrDr/QG0jg/oboGypZm/kvFDj1m6PSo5DSMkB2eIgFiC+4lT6VDR3ysZiHOU6+N\\n" \
    "rjtpcSwCQQhuwAmWVi79PJ8AoCJBC22kOYvZdqtk7iRwQJTYrwij871rvtHOldb9\\n" \
    "fA==\\n" \
    "-----END PRIVATE KEY-----\\n"
#define KEY_ED25519 \
    "-----BEGIN PRIVATE KEY-----\\n" \
    "MC4CAQAwBQYDK2VwBCIEINYHNU6HuF8JJz1Hm/GzNuzpuLmipGKRCIm9AQgUxHBu\\n" \
    "-----END PRIVATE KEY-----\\n"
#define KEY_ENCRYPTED \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\\n" \
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhBgSzLz/E5vwICCAAw\\n" \
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEELsbbLL9ov1QvIknSddBjO4EgZAM\\n" \
    "012R91N6lMdRyPP963MIFnRSJpQ1XVoAehaN8IHRCLGxbzn8BKDVXfb3WvOVFzQq\\n" \
    "PZnPMeviBQh4dr8O1CsVYsHBSoOUD0/3gdir5+9WHF37lcEEYdXPltFH8IoeoMHc\\n" \
    "LFK/dxC+qa0bLDEFC623uCUFKnlgiHDomISfmiIQ+dKWcQVq+Zxplf4hebTDuAs=\\n" \
    "-----END ENCRYPTED PRIVATE KEY-----\\n"
#define CERT_ROOT \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBQjCB6aADAgECAhQ5tnRmOTfWw8WMDV2at6E+rTsKXDAKBggqhkjOPQQDAjAP\\n" \
    "MQ0wCwYDVQQDDARyb290MB4XDTI2MDEwMTAwMDAwMFoXDTI4MDEwMTAwMDAwMFow\\n" \
    "DzENMAsGA1UEAwwEcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKPejUz7\\n" \
    "AwxYsnZsySQTxONQY0oDddTfUbQs6q4rHenRvpNi9BsQz4hVxCfm4ahGVrMwp64H\\n" \
    "akS3xH8VX/UEf9GjIzAhMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIE\\n" \
    "MAoGCCqGSM49BAMCA0gAMEUCIF015VTK8n5X8O1eqqXYRPJGTv/77nmQPnGS1Wwc\\n" \
    "hmJaAiEAxt9ikVoaE4I5SUgbZVtQIvXGUJ4zN/t9CeYAhRx2j4o=\\n" \
    "-----END CERTIFICATE-----\\n"
#define CERT_INTER \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBQzCB6qADAgECAhQehMbz12j9Zn5s1WZrQx/VvPn+XzAKBggqhkjOPQQDAjAP\\n" \
    "MQ0wCwYDVQQDDARyb290MB4XDTI2MDEwMTAwMDAwMFoXDTI4MDEwMTAwMDAwMFow\\n" \
    "EDEOMAwGA1UEAwwFaW50ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASb7MAE\\n" \
    "JaQCw/IQCq9rS8vstTyfdtx8vRCdg8r7m0LgQTHDMNMQ9ZuZNNlTvF4AmYEbgeJs\\n" \
    "O+9g7EJYAuCd26hOoyMwITAPBgNVHRMBAf8EBTADAQH/MA4GA1UdDwEB/wQEAwIB\\n" \
    "BjAKBggqhkjOPQQDAgNIADBFAiBCzcSmJ95cc5wKmtgkqmF+VxWwvGOZED1Ehk3K\\n" \
    "JQ51IgIhAKHBgQmv9KttjoBRET9s7p5NEL0lS8C7ujex5eZ8TIGS\\n" \
    "-----END CERTIFICATE-----\\n"
#define CERT_INTER_OLD \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBMzCB2qADAgECAhRxjWmogfjarDoLwmwaAvvZtQ5bxzAKBggqhkjOPQQDAjAP\\n" \
    "MQ0wCwYDVQQDDARyb290MB4XDTI0MDEwMTAwMDAwMFoXDTI2MDEwMTAwMDAwMFow\\n" \
    "EDEOMAwGA1UEAwwFaW50ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASb7MAE\\n" \
    "JaQCw/IQCq9rS8vstTyfdtx8vRCdg8r7m0LgQTHDMNMQ9ZuZNNlTvF4AmYEbgeJs\\n" \
    "O+9g7EJYAuCd26hOoxMwETAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gA\\n" \
    "MEUCIE4WR69n+ij+jHIdhHKKxjYldEyJ342sAEqXO9NLnHO+AiEAvr3YfEOW1VUN\\n" \
    "ryvhe8Dj3zo778Xgu+8wsR/mlcZbZ0I=\\n" \
    "-----END CERTIFICATE-----\\n"
#define CERT_INTER_FAKE \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBNDCB2qADAgECAhR81ceP3fj6OsoSkeVfRjcXIVwGuTAKBggqhkjOPQQDAjAP\\n" \
    "MQ0wCwYDVQQDDARyb290MB4XDTI2MDEwMTAwMDAwMFoXDTI4MDEwMTAwMDAwMFow\\n" \
    "EDEOMAwGA1UEAwwFaW50ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQ0uYit\\n" \
    "wJ0dry1zBkbxbaJOcKq8Tjeybeb5i9yeq1d7Tg9iecEiBb08qvcKZG6ZkS7UqYKg\\n" \
    "5vjYKZ+BvFdI54l/oxMwETAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kA\\n" \
    "MEYCIQCqcyzQVJxf02pmLW3NmBH8X+w2ew5DQCS0M1F1jTiZmAIhANhi5uHjUIay\\n" \
    "L+u8U5Xe+zzIyK/NsfCY1i8xHVeg5mOn\\n" \
    "-----END CERTIFICATE-----\\n"
#define CERT_INTER_NO_CA \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBMDCB16ADAgECAhRI4NJTRFZcOGYVDrlRw68LkRdWxDAKBggqhkjOPQQDAjAP\\n" \
    "MQ0wCwYDVQQDDARyb290MB4XDTI2MDEwMTAwMDAwMFoXDTI4MDEwMTAwMDAwMFow\\n" \
    "EDEOMAwGA1UEAwwFaW50ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASb7MAE\\n" \
    "JaQCw/IQCq9rS8vstTyfdtx8vRCdg8r7m0LgQTHDMNMQ9ZuZNNlTvF4AmYEbgeJs\\n" \
    "O+9g7EJYAuCd26hOoxAwDjAMBgNVHRMBAf8EAjAAMAoGCCqGSM49BAMCA0gAMEUC\\n" \
    "IQDiNn2OsdIS9pdYC2IkaqtLFZhcrotqqkZZI/DOUNaI6AIgPrOA91xh/FwOVZRD\\n" \
    "ZzTXI4GArJ9p13RPCEMqyGbgY80=\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBhzCCAS2gAwIBAgIUdS/qbpFroVVuAMM+3td9fte28TQwCgYIKoZIzj0EAwIw\\n" \
    "EDEOMAwGA1UEAwwFaW50ZXIwHhcNMjYwMTAxMDAwMDAwWhcNMjgwMTAxMDAwMDAw\\n" \
    "WjAPMQ0wCwYDVQQDDARsZWFmMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEipxy\\n" \
    "jXszx+HH3afv3tevTBR7u8IsaMtoGIovQ6+K/UeXrQ8CXtQLqUaQsvdxWubghrGF\\n" \
    "iDtbz3FHDyRPesI9CKNmMGQwDAYDVR0TAQH/BAIwADAlBgNVHREEHjAcgg1vdGhl\\n" \
    "ci5leGFtcGxlggthcHAuZXhhbXBsZTAdBgNVHSUEFjAUBggrBgEFBQcDAQYIKwYB\\n" \
    "BQUHAwIwDgYDVR0PAQH/BAQDAgeAMAoGCCqGSM49BAMCA0gAMEUCIQCGiS8Hdeln\\n" \
    "aYdOxtwMBU0JCic4nizP23tTVCsL7YrAVAIgLpdy//FU2N3G9XNWNzH9RMK92Ehe\\n" \
    "THj2uzcAF5gl6B8=\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_PLAIN \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBOjCB4aADAgECAhR2AjkyCrSydYdSQGwYZH5+aPF/bjAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IoxowGDAWBgNVHREEDzANggthcHAuZXhhbXBsZTAKBggqhkjO\\n" \
    "PQQDAgNIADBFAiEA/jh8ub/G3WyYJsN+axzEFNIQGUPlI53I6reYW8acNnQCIHaq\\n" \
    "tlyyAzQD+pJrloEIXQmIu/5Dr+f3+G0XL2TxlkBx\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_WILD \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBODCB36ADAgECAhQzd8sKFRnDG0zOMlJZw9nPuh0MFjAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IoxgwFjAUBgNVHREEDTALggkqLmV4YW1wbGUwCgYIKoZIzj0E\\n" \
    "AwIDSAAwRQIgfzgkdEcABadBFAxJ/dMQckigI+ZIY4VFHc21BwIiydkCIQC+oGkH\\n" \
    "4fv1wz0gKysftQcEe+PgopaqKqyQCjFtDhdlBw==\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_WILD_DEEP \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBPDCB46ADAgECAhQ405XhCi9P2hmqAUoSubHE9N/rLTAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IoxwwGjAYBgNVHREEETAPgg0qLmFwcC5leGFtcGxlMAoGCCqG\\n" \
    "SM49BAMCA0gAMEUCIQCOdwnV3tKI6rcjAkpyFsTU4u+8c1TFKmO4hZ3aPmCfbAIg\\n" \
    "FQAAZcZWdWQ/lRmU70Y9jWpKDfmngIim1tFXSH/DQzA=\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_WILD_OK \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBQDCB56ADAgECAhQVqI4LiEZloD3mWIq9CnaIk4TUFjAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IoyAwHjAcBgNVHREEFTATghEqLnN2Yy5hcHAuZXhhbXBsZTAK\\n" \
    "BggqhkjOPQQDAgNIADBFAiA8xAdT/7zQfC3YgAXvj4oWczb+73yAEpLXjHLUvbsT\\n" \
    "PAIhAMJ45TfYwWNwDjRlYKMMWeOmRkQNzEMpgWksKfr0qjQq\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_PARTIAL \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBQjCB6KADAgECAhRz7moq6TX+7XxqSKlZaIu85OvSHTAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IoyEwHzAdBgNVHREEFjAUghJhKi5zdmMuYXBwLmV4YW1wbGUw\\n" \
    "CgYIKoZIzj0EAwIDSQAwRgIhAIxOTpujVHFq129CpdP3pEK7oL2yf0OkaOQFCEjC\\n" \
    "u80tAiEA+qlOJN9g53mYX4zuvFEib1wnGFyatslxg1Tbei8ZJdA=\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_OTHER \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBPTCB46ADAgECAhQHynRti3lQUuC11i71+TYajiXybDAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IoxwwGjAYBgNVHREEETAPgg1vdGhlci5leGFtcGxlMAoGCCqG\\n" \
    "SM49BAMCA0kAMEYCIQCq/GlgdcyJCIb8dLJcb0SpsRSWafI3KtL6wJzoYaYmMAIh\\n" \
    "AJfi47Otzji7WIEFgqgPLKV7vG6p8ztw8Cql3zegFWkI\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_NO_SAN \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBHTCBxaADAgECAhQgaPoddP93IWGs16K2cPw7AsE85jAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IMAoGCCqGSM49BAMCA0cAMEQCICCOrjvh93ByGvbS5W3+repO\\n" \
    "ZUUxslX0THe+NpZ1w3jTAiALCXzxRFVwVMmHH79AEp4Ylw53aSqjIt3zdZPVBi3m\\n" \
    "rQ==\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_CN \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBJDCBzKADAgECAhRv3D0x+XltDY6TSc6mdmDY1aJGuzAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MBYxFDASBgNVBAMMC2FwcC5leGFtcGxlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcD\\n" \
    "QgAEipxyjXszx+HH3afv3tevTBR7u8IsaMtoGIovQ6+K/UeXrQ8CXtQLqUaQsvdx\\n" \
    "WubghrGFiDtbz3FHDyRPesI9CDAKBggqhkjOPQQDAgNHADBEAiB85Go9CNjOSYm/\\n" \
    "/nl4mCGZCPP3swLYqClLqAC0liGW1AIge+9qJPxxgNdo8btY9bIbXYrY1rUAairO\\n" \
    "YT5cP5UeSF0=\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_ADDRESS \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBMzCB2qADAgECAhQEF0s1CVd9Q46Ohh63e12kiwTCxzAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IoxMwETAPBgNVHREECDAGhwTAAAIHMAoGCCqGSM49BAMCA0gA\\n" \
    "MEUCIQDLxc2KHiD3C4kFSbD0reh6J2GklQCvKhcVEY9uZQNvGgIgbdNZwxHI3XEt\\n" \
    "Ypqv8Zb+RI7qcOD7iJJZwAK3kTizR7Y=\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_CLIENT \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBTzCB9qADAgECAhQDKLeuZPRgCqI1wdroLfukJQWwBjAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0Ioy8wLTAWBgNVHREEDzANggthcHAuZXhhbXBsZTATBgNVHSUE\\n" \
    "DDAKBggrBgEFBQcDAjAKBggqhkjOPQQDAgNIADBFAiEAnXGJ56PnXaBmiWfd0qif\\n" \
    "6495qO/sYiH4DzHGEtsxRqsCIHpnl7+gPvzB9c82YcOLt+RJSIhlDwwi7wgeYtjB\\n" \
    "Zmfg\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_ENCIPHER \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBSzCB8aADAgECAhQW9heEtArIX8FIMAruH5VcbKk86jAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IoyowKDAWBgNVHREEDzANggthcHAuZXhhbXBsZTAOBgNVHQ8B\\n" \
    "Af8EBAMCBSAwCgYIKoZIzj0EAwIDSQAwRgIhAPN6+kw/gwYA0+e7ubjipFbFVJNx\\n" \
    "g3soAjYjKVZZKIUNAiEAw1zgnyjTDkmJds3FdhkPZDYT+EGtIqsjzrEWfRlBs+c=\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_OLD \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBOzCB4aADAgECAhQS6bhtXzpmmLZtd3afduzA/UkqpjAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNDAxMDEwMDAwMDBaFw0yNjAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IoxowGDAWBgNVHREEDzANggthcHAuZXhhbXBsZTAKBggqhkjO\\n" \
    "PQQDAgNJADBGAiEA/gbCRFaZotE/JFpvH181N9pKPu97qBiXT26eF0FecTcCIQCa\\n" \
    "kMO8t9faM/18rJNJffSEaNjrKiPd8ft+0/ViB1GS/Q==\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_EARLY \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBOTCB4aADAgECAhQjpJ00dGOWSN6IBI2Gaq70j9IaNDAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNzAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASKnHKN\\n" \
    "ezPH4cfdp+/e169MFHu7wixoy2gYii9Dr4r9R5etDwJe1AupRpCy93Fa5uCGsYWI\\n" \
    "O1vPcUcPJE96wj0IoxowGDAWBgNVHREEDzANggthcHAuZXhhbXBsZTAKBggqhkjO\\n" \
    "PQQDAgNHADBEAiBbhGgCLow+cLde893H7ccmyzhWhL3uLlUpQBpQsHhToQIgHrzK\\n" \
    "LZROnexyshqTq7qRwZWzxdIEN+3rThSJZcSmrhs=\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_384 \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBWDCB/qADAgECAhRxfrrEUqbtwAGM3zo1RBFNyuvpdjAKBggqhkjOPQQDAjAQ\\n" \
    "MQ4wDAYDVQQDDAVpbnRlcjAeFw0yNjAxMDEwMDAwMDBaFw0yODAxMDEwMDAwMDBa\\n" \
    "MA8xDTALBgNVBAMMBGxlYWYwdjAQBgcqhkjOPQIBBgUrgQQAIgNiAATLGby3eiWI\\n" \
    "MKO7MMsgp2fmMT3IemvMnaOad6Wdgg9Zv/HodlvUQXIYKfEfUvnBO+ejJfne92Vh\\n" \
    "Ob4//SZd5g068lbj9joAvQHMsMHVfhc0l47baUSmJ7EXaaewa1GOZEmjGjAYMBYG\\n" \
    "A1UdEQQPMA2CC2FwcC5leGFtcGxlMAoGCCqGSM49BAMCA0kAMEYCIQCWg6RUsnVV\\n" \
    "CI16MrpqxOjg5Apg4m3lS++Lb5NpI6kHOQIhAJ3DrtCltnK7VFcWznXyGVSiCgiN\\n" \
    "DbU2TOXUQtAV+mi1\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_RSA \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIICBzCCAaygAwIBAgIUH2GQIZoagdxOPp2lS1p1Bck3IaIwCgYIKoZIzj0EAwIw\\n" \
    "EDEOMAwGA1UEAwwFaW50ZXIwHhcNMjYwMTAxMDAwMDAwWhcNMjgwMTAxMDAwMDAw\\n" \
    "WjAPMQ0wCwYDVQQDDARsZWFmMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKC\\n" \
    "AQEAv74mS8YAAQsGRlRRBIN2IvOCIDDI++Zg+6CGkjgUXEnJ+expt6D3667Xe+2B\\n" \
    "/2/YmC3Qa3rhgTe+yWGUHDmxKp4Tuuf7RecREPw6RhCnEs9mbxR5+4itDLQZSkiQ\\n" \
    "lVnRWNv/HN0wHkVLRQqe8N+s58LsiF9LiLOqNs5L/lIo3/o2GfleUWWnbwsQlZ8C\\n" \
    "wuqZo3NUL93wHJydgpqnyCwyn7aWE5Op5q+Wi0sRhKZf2UhDVzKEyVgHW/cnsiXH\\n" \
    "G6QYaYYthkxGdRcMIBgd44/V9P72ryyO+VRamUpOKVGlDxWH3WDhBfFrEoKdTbaP\\n" \
    "Bpd+3nKGID/e7GHh5r7QZRUaYQIDAQABoxowGDAWBgNVHREEDzANggthcHAuZXhh\\n" \
    "bXBsZTAKBggqhkjOPQQDAgNJADBGAiEAm/aG9lkiNF8+GG2GDSjd9dH3qetjogsA\\n" \
    "bPLNAVXZgS4CIQDcNEiFjukGVtg9XY3iectz/1LJ7QdTQLeFWqy0RcELqQ==\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_RSA_1024 \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBgzCCASigAwIBAgIUIFSuSsVjYAwTk4rH6u/KG0J/+bYwCgYIKoZIzj0EAwIw\\n" \
    "EDEOMAwGA1UEAwwFaW50ZXIwHhcNMjYwMTAxMDAwMDAwWhcNMjgwMTAxMDAwMDAw\\n" \
    "WjAPMQ0wCwYDVQQDDARsZWFmMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC2\\n" \
    "IkiZnvgcDHuZavZZIpAff++7bPexghOA6elqh92GZ6nr4BphRcm6/wHZe9LCTjBF\\n" \
    "02XP3weoTX8+zfeRoU6iTDFx2e3vcaBJunAvqmAhxaQb9wUyzET21dHFGXIl4HnB\\n" \
    "KuUr+aB19xFkJ+HACfX+yv3IW4ruX5pIJajEVcFF8wIDAQABoxowGDAWBgNVHREE\\n" \
    "DzANggthcHAuZXhhbXBsZTAKBggqhkjOPQQDAgNJADBGAiEAh1gVGogxJpl7L0wO\\n" \
    "f0l3BkhbS9zeXxsxB0xJrxSS9UgCIQDbeWfSnNkbSAmsP9MKZzOhlw+sl3Gkw9ue\\n" \
    "0/LLpwhjMA==\\n" \
    "-----END CERTIFICATE-----\\n"
#define LEAF_521 \
    "-----BEGIN CERTIFICATE-----\\n" \
    "MIIBfjCCASSgAwIBAgIUHz0josclWrTo4exH+dc/E9/+BEEwCgYIKoZIzj0EAwIw\\n" \
    "EDEOMAwGA1UEAwwFaW50ZXIwHhcNMjYwMTAxMDAwMDAwWhcNMjgwMTAxMDAwMDAw\\n" \
    "WjAPMQ0wCwYDVQQDDARsZWFmMIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQA8jKn\\n" \
    "5Kr6KOi7bbiChJqgMV8dvOR2NpxeP237e1zQd0Xpoba6w6/0BtI4P6G6BsqWZv5L\\n" \
    "xQ49Zuj0qOQ0jJAdniIBYgvuJU+lQ0d8rGYhzlOvja47aXEsAkEIbsAJllYu/Tyf\\n" \
    "AKAiQQttpDmL2XarZO4kcECU2K8Io/O9a77RzpXW/XyjGjAYMBYGA1UdEQQPMA2C\\n" \
    "C2FwcC5leGFtcGxlMAoGCCqGSM49BAMCA0gAMEUCIQDe3M31etSAziDZeQC41qi/\\n" \
    "FthwPP6gUj3zvj96cRJ59AIgVgia8U3HmC/IqHVXeMPIWIUrYB6miy9wEB+jmgfi\\n" \
    "l1E=\\n" \
    "-----END CERTIFICATE-----\\n"
/* clang-format on */

#endif

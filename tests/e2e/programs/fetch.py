# SPDX-License-Identifier: Apache-2.0
"""A program that knows nothing of certificates: prints what an address answers."""

import urllib.request

print(urllib.request.urlopen("https://app.example.org/").read().decode())

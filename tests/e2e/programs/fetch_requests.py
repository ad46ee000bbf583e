# SPDX-License-Identifier: Apache-2.0
"""The same with the package requests."""

import requests

print(requests.get("https://app.example.org/").text)

# SPDX-License-Identifier: Apache-2.0
"""Simulated evidence for tests: vendor trees, quotes, reports, certificates, bundles, servers."""

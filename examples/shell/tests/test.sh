#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests of the service at TEST_REMOTE_URL, which mse localtest sets.
set -eu

expect() { # PATH TEXT
    if curl -sf "${TEST_REMOTE_URL}$1" | grep -q "$2"; then
        echo "ok: /$1"
    else
        echo "/$1 does not say \"$2\"" >&2
        exit 1
    fi
}

expect "" "hello from a shell"
expect started.txt UTC
if curl -sf "${TEST_REMOTE_URL}absent"; then
    echo "/absent is there" >&2
    exit 1
fi

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Tests of the service at TEST_REMOTE_URL, which mse localtest sets.
set -eu

expect() { # PATH STATUS TEXT
    got=$(curl -s -w ' %{http_code}' "${TEST_REMOTE_URL}$1")
    case $got in
    "$3"*" $2") echo "ok: /$1" ;;
    *) echo "/$1: $got, expected $3 and $2" >&2; exit 1 ;;
    esac
}

expect health 200 ok
expect "" 200 "hello from C"
expect absent 404 "nothing here"
if [ -n "${TEST_SECRET_JSON:-}" ]; then
    expect secrets 200 "secrets: $(wc -c <"$TEST_SECRET_JSON") bytes"
else
    expect secrets 404 "no secrets"
fi

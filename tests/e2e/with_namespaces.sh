#!/bin/sh
# Runs a command where network namespaces can be made; else says so and exits
# with 77, which skips the test.
if ! unshare --net ip link set lo up 2>/dev/null; then
  echo "skipped: network namespaces need root and iproute2"
  exit 77
fi
exec "$@"

#!/usr/bin/env bash
# util-linux 2.38.1, unshare --fork: when SIGKILL has ended the child, unshare does not end by that
# signal as for all others, but prints "unshare: sigprocmask unblock failed: Invalid argument" and
# exits with 1. The status of a program that merely failed is the same.
#
# A supervisor that runs tasks under unshare takes a task that the kernel killed for memory for one
# that failed by itself. The manual page does not tell of it. Debian 12 and its derivatives.
# Seen: exit code 1 and that line for SIGKILL; 143 (128 + 15) for SIGTERM.
# Expected: 137 (128 + 9) for SIGKILL.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq util-linux=2.38.1-5+deb12u3
dpkg-deb -x util-linux_*.deb .
unshare="$dir/usr/bin/unshare"
"$unshare" --version
status_of() {
  local code=0
  "$unshare" --fork sh -c "kill -$1 \$\$" 2>>said || code=$?
  echo "$code"
}
seen="KILL $(status_of KILL), TERM $(status_of TERM): $(grep -c "sigprocmask unblock failed" said)"
echo "seen: $seen"
[ "$seen" = "KILL 1, TERM 143: 1" ] || { echo "this has changed"; exit 1; }

#!/usr/bin/env bash
# BusyBox 1.37.0, sort: the character at which a key ends is counted from the start of the line instead
# of from the start of its field. A key such as 2,2.4 or 2.6,2.7, the year or the month of a date in the
# second column, is then empty or a part of it: the lines stay as they are, numeric or not, and sort -u
# keeps one line of all. In the first field the same keys are right. No error is reported.
#
# POSIX says that a key's end, field_end and last_character, is in that field. BusyBox is the sort of
# small images of containers: who sorts before a join or a merge there gets lines in no order. The
# judge is the sort of GNU coreutils on this machine.
# Seen: the lines at the end of this script. Expected: both have the same order.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p apt/lists/partial apt/cache/archives/partial
echo "deb [trusted=yes] http://deb.debian.org/debian trixie main" > apt/sources
apt=(-o "Dir::Etc::sourcelist=$dir/apt/sources" -o Dir::Etc::sourceparts=-
  -o "Dir::State::lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt/cache")
apt-get "${apt[@]}" update -qq
apt-get "${apt[@]}" download -qq "busybox-static=1:1.37.0-6*"
dpkg-deb -x busybox-static_*.deb .
export LC_ALL=C
printf 'a,2026-01-20\nb,2026-03-10\nc,2025-02-15\n' > second
printf '2026-01-20,a\n2026-03-10,b\n2025-02-15,c\n' > first
names() { tr -cd 'abc'; }
while read -r file key; do
  # shellcheck disable=SC2086
  printf '%s, %s: judge %s, busybox %s\n' "$file" "$key" \
    "$(sort -t, -s $key "$file" | names)" "$(./usr/bin/busybox sort -t, -s $key "$file" | names)"
done <<'KEYS' | tee seen
first -k1,1.4
first -k1.6,1.7
second -k2,2
second -k2.6
second -k2,2.4
second -k2.6,2.7
second -k2.6,2.7n
second -k2.6,2.7r
second -u -k2.6,2.7
KEYS
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
first, -k1,1.4: judge cab, busybox cab
first, -k1.6,1.7: judge acb, busybox acb
second, -k2,2: judge cab, busybox cab
second, -k2.6: judge acb, busybox acb
second, -k2,2.4: judge cab, busybox abc
second, -k2.6,2.7: judge acb, busybox abc
second, -k2.6,2.7n: judge acb, busybox abc
second, -k2.6,2.7r: judge bca, busybox abc
second, -u -k2.6,2.7: judge acb, busybox a
TXT

#!/usr/bin/env bash
# GNU datamash 1.9: the largest and the least value of a column are not values of the column when they
# have more than 14 digits. The maximum of 1767225600000123 and 1767225600000456, times in microseconds,
# is 1.7672256000005e+15, 44 microseconds after the later one. Sums, means and modes are rounded in the
# same way, although they are computed with more digits; first, last and unique are not.
#
# Its manual describes max as "maximum value" and says neither there nor at the options --format and
# --round how many digits there are without them. With --format %.0f all are there. The judge is awk.
# Seen: the lines at the end of this script. Expected: a value of the column for max, min and mode.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p apt/lists/partial apt/cache/archives/partial
echo "deb [trusted=yes] http://deb.debian.org/debian trixie main" > apt/sources
apt=(-o "Dir::Etc::sourcelist=$dir/apt/sources" -o Dir::Etc::sourceparts=-
  -o "Dir::State::lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt/cache")
apt-get "${apt[@]}" update -qq
apt-get "${apt[@]}" download -qq "datamash=1.9-*" libc6
for package in *.deb; do dpkg-deb -x "$package" .; done
run() { # with the C library that the package was built for
  local program=$1
  shift
  "$(find . -name 'ld-linux-*.so.*' | head -n 1)" \
    --library-path "$(dirname "$(find . -name libc.so.6 | head -n 1)")" "./usr/bin/$program" "$@"
}
export LC_ALL=C
printf '1767225600000123\n1767225600000456\n1767225600000456\n' > times
{
  awk '{ if ($1 > max) max = $1; sum += $1 } END { printf "judge: max %.0f, sum %.0f\n", max, sum }' times
  for operation in max min mode sum last unique; do
    echo "$operation: $(run datamash $operation 1 < times)," \
      "with a format $(run datamash --format %.0f $operation 1 < times)"
  done
} | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
judge: max 1767225600000456, sum 5301676800001035
max: 1.7672256000005e+15, with a format 1767225600000456
min: 1.7672256000001e+15, with a format 1767225600000123
mode: 1.7672256000005e+15, with a format 1767225600000456
sum: 5.301676800001e+15, with a format 5301676800001035
last: 1767225600000456, with a format 1767225600000456
unique: 1767225600000123,1767225600000456, with a format 1767225600000123,1767225600000456
TXT

#!/usr/bin/env bash
# uutils coreutils 0.0.30 (the rust-coreutils of Debian 13): comm compares lines with their line feeds. A
# line that is followed by itself with a tab and more behind it, as in a table that has rows with and
# without a second column, is out of order for it, since a tab is less than a line feed. The order is
# the one that its own sort has made. comm then says that the file is not sorted, or, with
# --nocheck-order, finds fewer lines that both files have, without an error.
#
# The project's README: "Differences with GNU are treated as bugs". The judge is comm of GNU coreutils
# on this machine; the files are ordered by bytes, LC_ALL=C.
# Seen: the lines at the end of this script. Expected: the common lines that the judge has.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p apt/lists/partial apt/cache/archives/partial
echo "deb [trusted=yes] http://deb.debian.org/debian trixie main" > apt/sources
apt=(-o "Dir::Etc::sourcelist=$dir/apt/sources" -o Dir::Etc::sourceparts=-
  -o "Dir::State::lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt/cache")
apt-get "${apt[@]}" update -qq
apt-get "${apt[@]}" download -qq "rust-coreutils=0.0.30-*" libc6 libgcc-s1 libselinux1 libpcre2-8-0
for package in *.deb; do dpkg-deb -x "$package" .; done
run() { # with the C library that the package was built for
  local program=$1
  shift
  "$(find . -name 'ld-linux-*.so.*' | head -n 1)" \
    --library-path "$(dirname "$(find . -name libc.so.6 | head -n 1)")" "./usr/bin/$program" "$@"
}
export LC_ALL=C
printf 'apple\ttree\napple\nbean\n' | run coreutils sort > both
printf 'apple\ttree\nbean\n' | run coreutils sort > some
{
  sort -c both && echo "both: sorted for the judge"
  run coreutils sort -c both && echo "both: sorted for uutils"
  echo "judge: $(comm -12 both some | tr '\t\n' '> ')"
  echo "uutils, not checked: $(run coreutils comm --nocheck-order -12 both some | tr '\t\n' '> ')"
  run coreutils comm -12 both some > common 2> errors || true
  echo "uutils: $(tr '\t\n' '> ' < common)"
  sed 's/^[^:]*: //; s/^/uutils: /' errors
} | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
both: sorted for the judge
both: sorted for uutils
judge: apple>tree bean 
uutils, not checked: bean 
uutils: bean 
uutils: file 1 is not in sorted order
uutils: input is not in sorted order
TXT

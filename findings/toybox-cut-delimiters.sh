#!/usr/bin/env bash
# Toybox 0.8.9: cut -s prints lines without a delimiter, which its help says it skips ("Skip lines
# without delimiters"). Without -s such a line has to be printed whole, and a line of one character
# becomes an empty one when a later field is asked for. uniq compares lines with their line feeds: a
# last line that has none is another one than the same line before it. No error is reported.
#
# POSIX, cut: lines without delimiters "shall be passed through untouched" unless -s is given. Toybox is
# the userland of Android and of small images, and cut -s is how lines without a key are left out. The
# judges are cut and uniq of GNU coreutils on this machine.
# Seen: the lines at the end of this script. Expected: the judge's fields and counts.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p apt/lists/partial apt/cache/archives/partial
echo "deb [trusted=yes] http://deb.debian.org/debian trixie main" > apt/sources
apt=(-o "Dir::Etc::sourcelist=$dir/apt/sources" -o Dir::Etc::sourceparts=-
  -o "Dir::State::lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt/cache")
apt-get "${apt[@]}" update -qq
apt-get "${apt[@]}" download -qq "toybox=0.8.9*" libc6 libcrypt1
for package in *.deb; do dpkg-deb -x "$package" .; done
run() { # with the C library that the package was built for
  local program=$1
  shift
  "$(find . -name 'ld-linux-*.so.*' | head -n 1)" \
    --library-path "$(dirname "$(find . -name libc.so.6 | head -n 1)")" "./usr/bin/$program" "$@"
}
export LC_ALL=C
printf 'key=value\nno delimiter\nx\nk=v\n' > lines
printf 'a\na\nb\nb' > open
show() { printf '%s: judge %s, toybox %s\n' "$1" "$(quoted "$2")" "$(quoted "$3")"; }
quoted() { printf '%s' "$1" | tr -s ' ' '~' | tr '\n' '|'; }
{
  for fields in "-f 1" "-f 2" "-f 2-" "-s -f 1" "-s -f 2"; do
    # shellcheck disable=SC2086
    show "cut $fields" "$(cut -d = $fields lines)" "$(run toybox cut -d = $fields lines)"
  done
  for option in -c -d -u; do
    show "uniq $option" "$(uniq $option open)" "$(run toybox uniq $option open)"
  done
} | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
cut -f 1: judge key|no~delimiter|x|k, toybox key|no~delimiter|x|k
cut -f 2: judge value|no~delimiter|x|v, toybox value|no~delimiter||v
cut -f 2-: judge value|no~delimiter|x|v, toybox value|no~delimiter||v
cut -s -f 1: judge key|k, toybox key|no~delimiter|x|k
cut -s -f 2: judge value|v, toybox value||v
uniq -c: judge ~2~a|~2~b, toybox ~2~a|~1~b|~1~b
uniq -d: judge a|b, toybox a
uniq -u: judge , toybox b|b
TXT

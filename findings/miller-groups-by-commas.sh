#!/usr/bin/env bash
# Miller 6.13.0 (mlr): groups of several fields are told apart by their values with commas between them.
# Of the two pairs ("x,y", "z") and ("x", "y,z") each verb with -g or -f makes one group: count-distinct
# finds the first pair twice, head and uniq lose the second row, and join pairs rows whose keys differ.
# count-similar adds a count of 2 to either row. No error is reported.
#
# The help of count-distinct promises "number of records having distinct values for specified field
# names". Commas are common in CSV fields, which is what the quotes are for. The judge is awk, which
# keeps the fields apart by a byte that is in none of them.
# Seen: the lines at the end of this script. Expected: two groups of one row, and no row of join.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir -p apt/lists/partial apt/cache/archives/partial
echo "deb [trusted=yes] http://deb.debian.org/debian trixie main" > apt/sources
apt=(-o "Dir::Etc::sourcelist=$dir/apt/sources" -o Dir::Etc::sourceparts=-
  -o "Dir::State::lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt/cache")
apt-get "${apt[@]}" update -qq
apt-get "${apt[@]}" download -qq "miller=6.13.0-*"
dpkg-deb -x miller_*.deb .
mlr() { ./usr/bin/mlr --icsv --ojsonl "$@"; }
printf 'place,goods\n"x,y",z\nx,"y,z"\n' > rows.csv
printf 'place,goods,price\nx,"y,z",5\n' > prices.csv
{
  echo "judge: $(printf 'x,y\001z\nx\001y,z\n' | awk -F '\001' '!n[$1, $2]++ { c++ } END { print c }')"
  for verb in count-distinct "count-distinct -n" "count-similar" "head -n 1" uniq; do
    case $verb in count-distinct*) fields=-f ;; *) fields=-g ;; esac
    echo "$verb:"
    # shellcheck disable=SC2086
    mlr $verb $fields place,goods rows.csv
  done
  echo "join:"
  mlr join -j place,goods -f prices.csv rows.csv
} | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
judge: 2
count-distinct:
{"place": "x,y", "goods": "z", "count": 2}
count-distinct -n:
{"count": 1}
count-similar:
{"place": "x,y", "goods": "z", "count": 2}
{"place": "x", "goods": "y,z", "count": 2}
head -n 1:
{"place": "x,y", "goods": "z"}
uniq:
{"place": "x,y", "goods": "z"}
join:
{"place": "x", "goods": "y,z", "price": 5}
{"place": "x", "goods": "y,z", "price": 5}
TXT

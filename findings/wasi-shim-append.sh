#!/usr/bin/env bash
# @bjorn3/browser_wasi_shim 0.4.2: a file that a WebAssembly program has opened to append loses what is
# in it. The shim goes to the end once, when it opens the file; each write then goes to where the last
# one ended. Two descriptors of one log write over each other's lines, and a program that goes back to
# read and then writes overwrites what it has read. No error is reported. Node's own node:wasi keeps
# all lines of the same module.
#
# WASI says of the flag `append`: "Data written to the file is always appended to the file's end", as
# POSIX does. Runtimes that write stdout and stderr, or several threads, to one log open it so.
# Seen: "end two" in the shim, "old one two end" in Node. Expected: the latter from both.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  @bjorn3/browser_wasi_shim@0.4.2 wabt@1.0.39
cat > append.wat <<'WAT'
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek"
    (func $fd_seek (param i32 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "log")
  (data (i32.const 16) "one\0atwo\0aend\0a")
  (func $check (param $error i32)
    (if (local.get $error) (then unreachable)))
  (func $open_to_append (result i32)
    (call $check (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3)
      (i32.const 0) (i64.const 0x64) (i64.const 0) (i32.const 1) (i32.const 76)))
    (i32.load (i32.const 76)))
  (func $write_line (param $file i32) (param $at i32)
    (i32.store (i32.const 64) (local.get $at))
    (i32.store (i32.const 68) (i32.const 4))
    (call $check
      (call $fd_write (local.get $file) (i32.const 64) (i32.const 1) (i32.const 72))))
  (func (export "_start") (local $first i32) (local $second i32)
    (local.set $first (call $open_to_append))
    (local.set $second (call $open_to_append))
    (call $write_line (local.get $first) (i32.const 16))
    (call $write_line (local.get $second) (i32.const 20))
    (call $check (call $fd_seek (local.get $first) (i64.const 0) (i32.const 0) (i32.const 80)))
    (call $write_line (local.get $first) (i32.const 24))))
WAT
cat > try.mjs <<'JS'
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { WASI as NodeWasi } from "node:wasi";
import { File, OpenFile, PreopenDirectory, WASI } from "@bjorn3/browser_wasi_shim";
import loadWabt from "wabt";

const wabt = await loadWabt();
const text = readFileSync("append.wat", "utf8");
const module = await WebAssembly.compile(wabt.parseWat("append.wat", text).toBinary({}).buffer);
const words = (bytes) => new TextDecoder().decode(bytes).trim().replaceAll("\n", " ");

const log = new File(new TextEncoder().encode("old\n"));
const folder = new PreopenDirectory("/", new Map([["log", log]]));
const streams = [0, 1, 2].map(() => new OpenFile(new File([])));
const shim = new WASI([], [], [...streams, folder], { debug: false });
shim.start(await WebAssembly.instantiate(module, { wasi_snapshot_preview1: shim.wasiImport }));
console.log(`shim: ${words(log.data)}`);

mkdirSync("folder");
writeFileSync("folder/log", "old\n");
const node = new NodeWasi({ version: "preview1", preopens: { "/": "folder" } });
node.start(await WebAssembly.instantiate(module, node.getImportObject()));
console.log(`node: ${words(readFileSync("folder/log"))}`);
JS
node --no-warnings try.mjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
shim: end two
node: old one two end
TXT

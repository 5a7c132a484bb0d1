#!/usr/bin/env bash
# heapify 1.0.2 (priority queue): an empty queue still has a smallest element for peek() and
# peekPriority(). After the last pop(), and after clear(), they return the key and the priority of what
# was removed; a new queue has key 0 with priority 0. pop() and size are right. No error is reported.
#
# Its README says that peek() "Gets the key with the smallest priority", and that pop() "Returns
# `undefined` if the queue is empty"; the types of both peeks are numbers. A scheduler that asks
# peekPriority() for the next moment in which something is due wakes for a task that was done, and a
# merge of sorted runs by peek() takes the last element of a run again.
# Seen: the lines at the end of this script. Expected: undefined from all three when the size is 0, as
# fastpriorityqueue 0.8.0 has it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$dir" \
  heapify@1.0.2 fastpriorityqueue@0.8.0
cat > try.cjs <<'JS'
const Judge = require("fastpriorityqueue");
const { MinQueue } = require("heapify");

const [queue, judge] = [new MinQueue(), new Judge((a, b) => a.priority < b.priority)];
const look = (when) => {
  const [key, priority] = [queue.peek(), queue.peekPriority()];
  const right = `${judge.peek()?.key} of ${judge.peek()?.priority}`;
  console.log(`${when}: size ${queue.size}, judge ${right}, peek ${key} of ${priority}`);
};
const push = (key, priority) => {
  queue.push(key, priority);
  judge.add({ key, priority });
};
look("new");
push(7, 10);
push(8, 20);
look("two pushed");
console.log(`popped ${queue.pop()} ${queue.pop()} ${queue.pop()}`);
while (!judge.isEmpty()) judge.poll();
look("all popped");
push(9, 30);
queue.clear();
judge.removeMany(() => true);
look("cleared");
JS
node try.cjs | tee seen
diff seen - <<'TXT' || { echo "this has changed"; exit 1; }
new: size 0, judge undefined of undefined, peek 0 of 0
two pushed: size 2, judge 7 of 10, peek 7 of 10
popped 7 8 undefined
all popped: size 0, judge undefined of undefined, peek 8 of 20
cleared: size 0, judge undefined of undefined, peek 9 of 30
TXT

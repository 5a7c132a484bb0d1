/** An example of a WebAssembly job: reads a number as text, sends back how many primes are below it. */

@external("env", "host_get_argument_len")
declare function argumentLength(): i32;
@external("env", "host_get_argument")
declare function getArgument(at: usize, length: i32): i64;
@external("env", "host_send_result")
declare function sendResult(at: usize, length: i32): i64;

/** 0 = done; below 0 = what it was given is no number. */
export function run(): i64 {
  const length = argumentLength();
  const argument = heap.alloc(length);
  getArgument(argument, length);
  let below: u32 = 0;
  for (let i = 0; i < length; i++) {
    const digit = <u32>load<u8>(argument + i) - 48;
    if (digit > 9) return -1;
    below = below * 10 + digit;
  }
  send(primesBelow(below));
  return 0;
}

function primesBelow(below: u32): u32 {
  const isComposite = heap.alloc(below + 1);
  memory.fill(isComposite, 0, below + 1);
  let count: u32 = 0;
  for (let n: u32 = 2; n < below; n++) {
    if (load<u8>(isComposite + n)) continue;
    count++;
    for (let m: u64 = <u64>n * n; m < below; m += n) store<u8>(isComposite + <usize>m, 1);
  }
  return count;
}

function send(value: u32): void {
  const text = heap.alloc(10);
  let at: usize = text + 10;
  do {
    at--;
    store<u8>(at, <u8>(48 + (value % 10)));
    value /= 10;
  } while (value > 0);
  sendResult(at, <i32>(text + 10 - at));
}

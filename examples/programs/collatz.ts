/** How many steps a number takes to 1: halved when it is even, else three times it and one. */
export default (line: string): string => {
  let steps = 0;
  for (let n = BigInt(line); n !== 1n; steps++) n = n % 2n === 0n ? n / 2n : 3n * n + 1n;
  return `${line} ${steps}`;
};

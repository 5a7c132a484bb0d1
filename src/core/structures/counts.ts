/** Counts by key, without those that are zero. */

/** Adds to the count of a key; one that becomes zero is removed. */
export function addTo<K>(counts: Map<K, number>, key: K, by: number): void {
  const sum = (counts.get(key) ?? 0) + by;
  if (sum === 0) counts.delete(key);
  else counts.set(key, sum);
}

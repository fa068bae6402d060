/** Positions in the stream, as in the ids of events: `EPOCH.OFFSET`, or `EPOCH.OFFSET-PART` where replicas share the stream. */

const POSITION = /^([0-9A-Za-z]+)\.(\d+)(?:-(\d+))?$/;

/**
 * Compares two positions: below zero where the first is earlier, zero where they are the same, NaN where there is no telling, as in
 * two epochs.
 * @param {string} one
 * @param {string} other
 */
export function compared(one, other) {
  const [a, b] = [POSITION.exec(one), POSITION.exec(other)];
  if (!a || !b || a[1] !== b[1]) return NaN;
  return difference(a[2], b[2]) || difference(a[3] ?? "0", b[3] ?? "0");
}

/**
 * Compares whole numbers in digits, which may be longer than a number holds exactly.
 * @param {string} a
 * @param {string} b
 */
const difference = (a, b) => Number(BigInt(a) - BigInt(b));

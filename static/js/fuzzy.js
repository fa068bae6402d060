/** How well a query matches: every word must be found, a name counts more than the rest, a beginning more than the middle. */

/** The least score of a match that holds each word as it is written. */
export const FOUND_AS_WRITTEN = 20;

/**
 * Returns a score, 0 for no match.
 * @param {string} query
 * @param {string} name
 * @param {string} rest
 */
export function score(query, name, rest) {
  const words = fold(query).split(/\s+/).filter(Boolean);
  const scores = words.map((word) => wordScore(word, fold(name), fold(rest)));
  return scores.every(Boolean) ? scores.reduce((sum, each) => sum + each, 0) : 0;
}

/**
 * @param {string} word
 * @param {string} name
 * @param {string} rest
 */
function wordScore(word, name, rest) {
  if (name.startsWith(word)) return 100 - Math.min(50, name.length - word.length);
  if (new RegExp(`[^\\p{L}\\p{N}]${escaped(word)}`, "u").test(name)) return 45;
  if (name.includes(word)) return 35;
  if (rest.includes(word)) return FOUND_AS_WRITTEN;
  return word.length > 1 && inOrder(word, name) ? 8 : 0;
}

/**
 * @param {string} word
 * @param {string} text
 */
function inOrder(word, text) {
  let from = 0;
  for (const letter of word) {
    const found = text.indexOf(letter, from);
    if (found < 0) return false;
    from = found + 1;
  }
  return true;
}

/** Ignores case and accents. @param {string} text */
const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

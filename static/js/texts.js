/** The page's words, from the same files that the server renders with. */

/** @typedef {(key: string, values?: Record<string, string | number>) => string} Texts */

/**
 * Loads a language.
 * @param {string} url
 * @returns {Promise<Texts>}
 */
export async function loadTexts(url) {
  /** @type {Record<string, string>} */
  let words = {};
  try {
    words = await (await fetch(url)).json();
  } catch {
    // keys instead of words are ugly, a page that stands still is worse
  }
  return (key, values = {}) =>
    (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}

/**
 * Says a moment in local time: the hour alone when it is today's.
 * @param {string} iso
 * @param {string} language
 * @param {Date} [now]
 */
export function localTime(iso, language, now = new Date()) {
  const moment = new Date(iso);
  /** @type {Intl.DateTimeFormatOptions} */
  const style = { hour: "2-digit", minute: "2-digit" };
  if (moment.toDateString() !== now.toDateString()) Object.assign(style, { day: "numeric", month: "short" });
  return moment.toLocaleString(language, style);
}

const A_MINUTE = 60 * 1000;

/**
 * Calls something when another day has begun, for what is said of today is not said of yesterday.
 * @param {() => void} then
 */
export function eachDay(then) {
  let day = new Date().toDateString();
  const look = () => {
    const today = new Date().toDateString();
    if (today !== day) then();
    day = today;
  };
  setInterval(look, A_MINUTE); // a timer until midnight would not count the time in which the machine sleeps
  document.addEventListener("visibilitychange", look);
}

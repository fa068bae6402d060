/** Says changes to those who do not see them: politely, at most every few seconds, many as a number. */

const PAUSE_MS = 3000;
const ONE_BY_ONE = 3;

/**
 * @param {import("./texts.js").Texts} t
 * @returns {(what: string, values: Record<string, string>) => void}
 */
export function announcer(t) {
  const place = /** @type {HTMLElement} */ (document.getElementById("announcer"));
  /** @type {string[]} */
  let waiting = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const speak = () => {
    timer = undefined;
    place.textContent =
      waiting.length > ONE_BY_ONE ? t("announce.many", { count: waiting.length }) : waiting.join(". ");
    waiting = [];
  };
  return (what, values) => {
    waiting.push(t(what, values));
    timer ??= setTimeout(speak, PAUSE_MS);
  };
}

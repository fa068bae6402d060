/** Typing anywhere filters the cards; Enter opens the best, arrows choose, Esc clears, `?` in front searches the web. */

import { FOUND_AS_WRITTEN, score } from "./fuzzy.js";

/**
 * @param {import("./texts.js").Texts} t
 * @param {() => string} searchEngine
 */
export function search(t, searchEngine) {
  const form = /** @type {HTMLFormElement} */ (document.querySelector(".search"));
  const field = /** @type {HTMLInputElement} */ (form.querySelector("input"));
  const nothing = /** @type {HTMLElement} */ (document.querySelector(".nothing"));
  /** @type {HTMLElement | null} */
  let chosen = null;

  const cards = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll("main .card:not(.leaving)")]);
  const shown = () => cards().filter((card) => !card.hidden);
  const webQuery = () => (field.value.startsWith("?") ? field.value.slice(1).trim() : "");

  const choose = (/** @type {HTMLElement | null} */ card) => {
    if (card === chosen) return;
    chosen?.classList.remove("chosen");
    chosen = card;
    chosen?.classList.add("chosen");
    chosen?.scrollIntoView({ block: "nearest" });
  };

  /** @param {HTMLElement | null} [kept] what somebody has chosen, for as long as it is found */
  const filter = (kept = null) => {
    const query = field.value.trim();
    const web = query.startsWith("?");
    const scores = new Map(cards().map((card) => [card, !query || web ? 1 : cardScore(query, card)]));
    const best = Math.max(0, ...scores.values());
    const least = best >= FOUND_AS_WRITTEN ? FOUND_AS_WRITTEN : best; // letters in order are for when nothing else matches
    for (const [card, value] of scores) card.hidden = value === 0 || value < least;
    const first = query && !web && best > 0 ? ([...scores].find(([, value]) => value === best)?.[0] ?? null) : null;
    for (const group of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll(".group")))
      showGroup(group, Boolean(query) && !web);
    nothing.hidden = !query || (!web && Boolean(first));
    nothing.textContent = t(web ? "search.web" : "search.none", { query: webQuery() || query });
    choose(kept && scores.has(kept) && !kept.hidden ? kept : first);
  };

  const move = (/** @type {number} */ step) => {
    const all = shown().filter((card) => card.closest(".group")?.hasAttribute("open"));
    const at = chosen ? all.indexOf(chosen) : -1;
    choose(all[(at + step + all.length) % all.length] ?? null);
  };

  const searchWeb = (/** @type {string} */ query) => open(searchEngine() + encodeURIComponent(query), "_blank", "noopener");

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (webQuery()) searchWeb(webQuery());
    else if (chosen) /** @type {HTMLElement} */ (chosen.querySelector(".card-main")).click();
    else if (field.value.trim()) searchWeb(field.value.trim());
  });
  field.addEventListener("input", () => filter());
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (field.value || document.activeElement === field)) {
      field.value = "";
      field.blur();
      filter();
    }
    if (startsSearch(event)) field.focus(); // the character itself then lands in the field
    if (event.key === "/" && document.activeElement === field && !field.value) event.preventDefault();
  });
  const cardsCame = new MutationObserver(() => field.value && filter(chosen)); // filtering itself adds and removes nothing there
  for (const groups of document.querySelectorAll(".groups")) cardsCame.observe(groups, { childList: true, subtree: true });
  if (field.value) filter();
}

/**
 * @param {string} query
 * @param {HTMLElement} card
 */
function cardScore(query, card) {
  const group = card.closest(".group")?.querySelector(".group-name")?.textContent ?? "";
  return score(query, card.querySelector(".card-name")?.textContent ?? "", `${group} ${card.dataset.search ?? ""}`);
}

/**
 * Hides a group without matches, and opens one with them for as long as somebody searches.
 * @param {HTMLDetailsElement} group
 * @param {boolean} searching
 */
function showGroup(group, searching) {
  group.hidden = searching && !group.querySelector(".card:not([hidden])");
  if (searching && !group.open) {
    group.dataset.opened = "for-search";
    group.open = true;
  } else if (!searching && group.dataset.opened) {
    delete group.dataset.opened;
    group.open = false;
  }
}

/** @param {KeyboardEvent} event */
function startsSearch(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.matches("input, textarea, select, [contenteditable]");
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.isComposing;
  const busy = document.querySelector("dialog[open]") !== null;
  return plain && !typing && !busy && event.key.length === 1 && event.key !== " ";
}

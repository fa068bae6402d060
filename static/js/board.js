/** The cards on the page, by id: put, removed and reconciled in place, in the server's order. */

import { fillCard, fillHealth, localise, tagsOf } from "./card.js";

/** @typedef {"application" | "bookmark"} Kind */

const LEAVING_MS = 200;

export class Board {
  /**
   * @param {string} tags the page's tag filter, as in its address
   * @param {import("./texts.js").Texts} t
   * @param {(what: string, values: Record<string, string>) => void} announce
   */
  constructor(tags, t, announce) {
    this.tags = tags;
    this.t = t;
    this.announce = announce;
    this.unsettled = false;
    /** @type {Map<string, HTMLElement>} */
    this.cards = new Map();
    for (const card of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("main .card"))) {
      this.cards.set(card.dataset.id ?? "", card);
    }
    this.localise();
  }

  /** Says all moments in local time, as they are said today. */
  localise() {
    for (const card of this.cards.values()) localise(card, this.t);
  }

  /**
   * Shows an entry as it is now; one that the tag filter hides is taken away.
   * @param {Kind} kind
   * @param {import("./card.js").Entry} entry
   * @param {boolean} [quietly]
   */
  put(kind, entry, quietly = false) {
    if (kind === "application" && !shows(this.tags, entry.tags)) return this.remove(entry.id, quietly);
    const known = this.cards.get(entry.id);
    const card = known ?? clone("card-template");
    const before = known && order(known);
    const group = known && groupKey(known);
    fillCard(card, entry, this.t);
    this.cards.set(entry.id, card);
    if (!known || group !== folded(entry.group) || compare(/** @type {Order} */ (before), order(card)) !== 0)
      this.#place(kind, card, entry.group);
    if (!quietly) highlight(card, !known);
    if (!known && !quietly) this.announce("announce.added", { name: entry.name });
    this.#settle();
  }

  /**
   * Takes an entry away.
   * @param {string} id
   * @param {boolean} [quietly]
   */
  remove(id, quietly = false) {
    const card = this.cards.get(id);
    if (!card) return;
    this.cards.delete(id);
    if (!quietly) this.announce("announce.removed", { name: nameOf(card) });
    card.classList.add("leaving");
    if (card.contains(document.activeElement)) neighbour(card)?.focus();
    setTimeout(() => this.#drop(card), quietly ? 0 : LEAVING_MS);
  }

  /**
   * Shows changed health.
   * @param {{id: string, health: import("./card.js").Health}[]} changes
   */
  judge(changes) {
    for (const { id, health } of changes) {
      const card = this.cards.get(id);
      if (!card) continue;
      const changed = card.dataset.state !== health.state;
      fillHealth(card, health, this.t);
      if (!changed) continue;
      highlight(card, false);
      if (health.state !== "unknown")
        this.announce("announce.state", { name: nameOf(card), state: this.t(`state.${health.state}`) });
    }
  }

  /**
   * Makes these the only entries.
   * @param {{applications: import("./card.js").Entry[], bookmarks: import("./card.js").Entry[]}} snapshot
   */
  reconcile({ applications, bookmarks }) {
    const present = new Set([...applications, ...bookmarks].map((each) => each.id));
    for (const id of [...this.cards.keys()]) if (!present.has(id)) this.remove(id, true);
    for (const entry of applications) this.put("application", entry, true);
    for (const entry of bookmarks) this.put("bookmark", entry, true);
  }

  /**
   * @param {Kind} kind
   * @param {HTMLElement} card
   * @param {string} groupName
   */
  #place(kind, card, groupName) {
    const groups = /** @type {HTMLElement} */ (document.querySelector(`.groups[data-kind=${kind}]`));
    const old = card.closest(".group");
    const group = this.#group(groups, groupName);
    const list = /** @type {HTMLElement} */ (group.querySelector(".cards"));
    const others = /** @type {HTMLElement[]} */ ([...list.children].filter((other) => other !== card));
    keepingFocus(card, () => list.insertBefore(card, others[placeAmong(others, order(card))] ?? null));
    if (old && old !== group) tidy(old);
  }

  /**
   * @param {HTMLElement} groups
   * @param {string} name
   * @returns {HTMLElement}
   */
  #group(groups, name) {
    const key = folded(name);
    const all = /** @type {HTMLElement[]} */ ([...groups.children]);
    const found = all.find((each) => each.dataset.key === key);
    if (found) return found;
    const group = clone("group-template");
    group.dataset.key = key;
    /** @type {HTMLElement} */ (group.querySelector(".group-name")).textContent = name;
    groups.insertBefore(group, all.find((each) => (each.dataset.key ?? "") > key) ?? null);
    group.dispatchEvent(new CustomEvent("portal:group", { bubbles: true }));
    return group;
  }

  /** @param {HTMLElement} card */
  #drop(card) {
    const group = card.closest(".group");
    card.remove();
    if (group) tidy(group);
    this.#settle();
  }

  /** Shows and hides what depends on whether there is anything; once, however many entries have changed. */
  #settle() {
    if (this.unsettled) return;
    this.unsettled = true;
    setTimeout(() => this.#settleNow()); // behind the events and departures that are due: each is a task of its own
  }

  #settleNow() {
    this.unsettled = false;
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".part")))
      part.hidden = !part.querySelector(".card");
    const empty = /** @type {HTMLElement} */ (document.querySelector(".empty"));
    empty.hidden = this.cards.size > 0;
    for (const group of document.querySelectorAll(".group"))
      /** @type {HTMLElement} */ (group.querySelector(".group-count")).textContent = String(
        group.querySelectorAll(".card").length,
      );
  }
}

/**
 * Tells whether a tag filter shows an application: without tags, the untagged ones; with tags, those that share one and all
 * untagged ones; a filter that names nothing (as in `,`) everything.
 * @param {string} filter
 * @param {string | undefined} tags
 */
export function shows(filter, tags) {
  const own = tagsOf(tags).map((each) => each.toLowerCase());
  const wanted = tagsOf(filter).map((each) => each.toLowerCase());
  if (own.length === 0 || (filter && wanted.length === 0)) return true;
  return own.some((each) => wanted.includes(each));
}

/** @typedef {[number, string, string]} Order */

/**
 * @param {HTMLElement} card
 * @returns {Order}
 */
const order = (card) => [Number(card.dataset.location), folded(nameOf(card)), card.dataset.id ?? ""];

/**
 * @param {Order} a
 * @param {Order} b
 */
function compare(a, b) {
  const differing = a.findIndex((each, index) => each !== b[index]);
  return differing < 0 ? 0 : a[differing] < b[differing] ? -1 : 1;
}

/**
 * Returns the index of the first card that stands behind a place; the cards are in order, so few are looked at.
 * @param {HTMLElement[]} cards
 * @param {Order} place
 */
function placeAmong(cards, place) {
  let [low, high] = [0, cards.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(order(cards[middle]), place) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

const FOLDED = { ß: "ss", ς: "σ", µ: "μ" };

/** Ignores case as the server does, which knows more of it than lower case. @param {string} text */
const folded = (text) => text.toLowerCase().replace(/[ßςµ]/g, (each) => FOLDED[/** @type {"ß"} */ (each)]);

/** @param {Element} card */
const groupKey = (card) => /** @type {HTMLElement | null} */ (card.closest(".group"))?.dataset.key;

/** @param {Element} card */
const nameOf = (card) => card.querySelector(".card-name")?.textContent ?? "";

/**
 * Returns what takes the focus from a card that leaves: the next on the page, else the one before.
 * @param {HTMLElement} card
 */
function neighbour(card) {
  const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("main .card a.card-main[href]")]);
  const able = links.filter((each) => each.checkVisibility() && !each.closest(".leaving"));
  const behind = (/** @type {HTMLElement} */ each) => card.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING;
  return able.find(behind) ?? able.at(-1);
}

/**
 * Moves something, and gives it the focus back that a browser takes from what is moved.
 * @param {HTMLElement} moved
 * @param {() => void} move
 */
function keepingFocus(moved, move) {
  const focused = /** @type {HTMLElement | null} */ (document.activeElement);
  move();
  if (focused !== document.activeElement && moved.contains(focused)) focused?.focus({ preventScroll: true });
}

/** @param {Element} group */
function tidy(group) {
  if (!group.querySelector(".card")) group.remove();
}

/**
 * @param {HTMLElement} card
 * @param {boolean} isNew
 */
function highlight(card, isNew) {
  if (document.hidden) return; // frames, and all that waits for one, would gather until somebody looks
  card.classList.remove("fresh", "arriving");
  requestAnimationFrame(() => {
    card.classList.add("fresh", ...(isNew ? ["arriving"] : []));
    setTimeout(() => card.classList.remove("fresh", "arriving"), 2500);
  });
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function clone(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (
    /** @type {Element} */ (template.content.firstElementChild).cloneNode(true)
  );
}

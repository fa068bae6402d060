/** Fills a card from an entry's JSON; its form is the server's template, and `portal/web/cards.py` says the same in words. */

import { localTime } from "./texts.js";

/**
 * @typedef {{state: "up" | "degraded" | "down" | "unknown", httpStatus?: number, latencyMs?: number, reason?: string,
 *   since?: string, ready?: number, total?: number, certificateDays?: number}} Health
 * @typedef {{id: string, name: string, group: string, location: number, url?: string, icon?: string, iconColor?: string,
 *   info?: string, targetBlank?: boolean, tags?: string, health?: Health, links?: {url: string, text: string}[]}} Entry
 */

const CERTIFICATE_WARNING = 30;

/**
 * @param {Element} card
 * @param {string} name
 * @returns {HTMLElement}
 */
const part = (card, name) => /** @type {HTMLElement} */ (card.querySelector(`.card-${name}`));

/**
 * Shows an entry on a card.
 * @param {HTMLElement} card
 * @param {Entry} entry
 * @param {import("./texts.js").Texts} t
 */
export function fillCard(card, entry, t) {
  card.dataset.id = entry.id;
  card.dataset.location = String(entry.location);
  card.dataset.search = [entry.info, entry.tags, entry.url].filter(Boolean).join(" ");
  part(card, "name").textContent = entry.name;
  part(card, "info").textContent = entry.info ?? "";
  fillLink(/** @type {HTMLAnchorElement} */ (part(card, "main")), entry);
  const icon = /** @type {HTMLImageElement} */ (part(card, "icon"));
  const source = iconUrl(entry);
  if (icon.getAttribute("src") !== source) icon.src = source;
  fillMore(part(card, "more"), entry);
  fillHealth(card, entry.health, t);
}

/**
 * Shows an application's health on its card.
 * @param {HTMLElement} card
 * @param {Health | undefined} health
 * @param {import("./texts.js").Texts} t
 */
export function fillHealth(card, health, t) {
  const status = part(card, "status");
  card.dataset.state = health?.state ?? "";
  status.hidden = !health;
  status.dataset.since = health?.since ?? "";
  part(card, "value").textContent = health ? statusText(health, t) : "";
  part(card, "reason").textContent = health && ["down", "degraded"].includes(health.state) ? (health.reason ?? "") : "";
  delete status.dataset.detail;
  status.title = part(card, "detail").textContent = health ? detailText(health, t) : "";
  localise(card, t);
}

/**
 * Says on a card since when, in local time and as it is said today.
 * @param {HTMLElement} card
 * @param {import("./texts.js").Texts} t
 */
export function localise(card, t) {
  const status = part(card, "status");
  const { since } = status.dataset;
  if (!since) return;
  const detail = (status.dataset.detail ??= status.title);
  const time = localTime(since, document.documentElement.lang);
  const text = `${detail} · ${t("status.since", { time })}`;
  if (text !== status.title) status.title = part(card, "detail").textContent = text;
}

/** @param {Entry} entry */
export function iconUrl(entry) {
  const wanted = Object.entries({ icon: entry.icon, color: entry.iconColor, name: entry.name });
  return `/icons/of?${new URLSearchParams(/** @type {[string, string][]} */ (wanted.filter(([, value]) => value)))}`;
}

/**
 * @param {Health} health
 * @param {import("./texts.js").Texts} t
 */
function statusText(health, t) {
  if (health.state === "up" && health.latencyMs !== undefined) return t("status.latency", { ms: health.latencyMs });
  if (health.state === "degraded" && health.total) return `${health.ready ?? 0}/${health.total}`;
  return t(`state.${health.state}`);
}

/**
 * @param {Health} health
 * @param {import("./texts.js").Texts} t
 */
function detailText(health, t) {
  const parts = [t(`state.${health.state}`), health.reason];
  if (health.latencyMs !== undefined) parts.push(t("status.latency", { ms: health.latencyMs }));
  if (health.total !== undefined) parts.push(t("status.ready", { ready: health.ready ?? 0, total: health.total }));
  if (health.certificateDays !== undefined && health.certificateDays < CERTIFICATE_WARNING)
    parts.push(t("status.certificate", { days: health.certificateDays }));
  return parts.filter(Boolean).join(" · ");
}

/**
 * @param {HTMLAnchorElement} link
 * @param {{url?: string, targetBlank?: boolean}} entry
 */
function fillLink(link, entry) {
  if (entry.url) link.setAttribute("href", entry.url);
  else link.removeAttribute("href");
  if (entry.targetBlank) link.target = "_blank";
  else link.removeAttribute("target");
  link.rel = "noopener";
}

/**
 * @param {HTMLElement} list
 * @param {Entry} entry
 */
function fillMore(list, entry) {
  const links = (entry.links ?? []).map(({ url, text }) => {
    const link = document.createElement("a");
    fillLink(link, { url, targetBlank: entry.targetBlank });
    link.textContent = text;
    const item = document.createElement("li");
    item.append(link);
    return item;
  });
  const tags = tagsOf(entry.tags).map((tag) => {
    const item = document.createElement("li");
    item.className = "tag";
    item.textContent = tag;
    return item;
  });
  const all = [...links, ...tags];
  if (all.length !== list.children.length || !all.every((each, at) => each.isEqualNode(list.children[at])))
    list.replaceChildren(...all); // what is the same stays, with the focus on it
  list.hidden = links.length + tags.length === 0;
}

/** @param {string | undefined} text */
export const tagsOf = (text) => (text ?? "").split(",").map((each) => each.trim()).filter(Boolean);

/** The last day of an application, shown when its status is pressed: uptime, a bar of half hours, answer times, changes. */

import { localTime } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 480;
const LATENCY_HEIGHT = 48;
const CHANGES = 6;

/**
 * @typedef {{time: string, uptime?: number, latencyMs?: number}} Bucket
 * @typedef {{buckets?: Bucket[], changes?: {time: string, state: string}[], uptime?: number}} History
 */

/**
 * Opens an application's last day when its status is pressed.
 * @param {import("./texts.js").Texts} t
 */
export function showHistories(t) {
  const dialog = /** @type {HTMLDialogElement} */ (document.querySelector(".history"));
  document.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    const status = target.closest(".card-status");
    if (status) open(dialog, /** @type {HTMLElement} */ (status.closest(".card")), t);
    if (target === dialog) dialog.close(); // the backdrop
  });
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {HTMLElement} card
 * @param {import("./texts.js").Texts} t
 */
async function open(dialog, card, t) {
  const say = (/** @type {string} */ name, /** @type {string} */ text) => {
    /** @type {Element} */ (dialog.querySelector(`.history-${name}`)).textContent = text;
  };
  say("name", card.querySelector(".card-name")?.textContent ?? "");
  say("detail", card.querySelector(".card-detail")?.textContent ?? "");
  dialog.dataset.id = card.dataset.id;
  const history = await fetchHistory(card.dataset.id ?? "");
  if (dialog.dataset.id !== card.dataset.id) return; // another was pressed meanwhile
  say("uptime", uptimeText(history.uptime, t));
  say("slowest", slowestText(history.buckets ?? [], t));
  /** @type {Element} */ (dialog.querySelector(".history-bar")).replaceChildren(...bars(history.buckets ?? []));
  dialog.querySelector("polyline")?.setAttribute("points", points(history.buckets ?? []));
  /** @type {Element} */ (dialog.querySelector(".history-changes")).replaceChildren(...changes(history.changes ?? [], t));
  dialog.showModal();
}

/**
 * @param {string} id
 * @returns {Promise<History>}
 */
async function fetchHistory(id) {
  try {
    const answer = await fetch(`/api/availability/${id.split("/").map(encodeURIComponent).join("/")}`);
    return answer.ok ? await answer.json() : {};
  } catch {
    return {};
  }
}

/**
 * @param {number | undefined} uptime
 * @param {import("./texts.js").Texts} t
 */
function uptimeText(uptime, t) {
  if (uptime === undefined) return t("history.none");
  const percent = uptime.toLocaleString(document.documentElement.lang, { style: "percent", maximumFractionDigits: 2 });
  return t("history.uptime", { percent });
}

/**
 * @param {Bucket[]} buckets
 * @param {import("./texts.js").Texts} t
 */
function slowestText(buckets, t) {
  const slowest = Math.max(0, ...buckets.map((each) => each.latencyMs ?? 0));
  return slowest ? t("history.slowest", { ms: slowest }) : "";
}

/** @param {Bucket[]} buckets */
function bars(buckets) {
  const step = WIDTH / Math.max(1, buckets.length);
  return buckets.map(({ uptime }, index) => {
    const bar = document.createElementNS(SVG, "rect");
    const height = uptime === undefined ? 32 : 12 + 20 * uptime; // lower where it was down: not by colour alone
    const places = { x: index * step + 0.75, y: 32 - height, width: step - 1.5, height };
    for (const [name, value] of Object.entries(places)) bar.setAttribute(name, String(value));
    if (uptime !== undefined) bar.dataset.state = uptime >= 1 ? "up" : uptime > 0 ? "degraded" : "down";
    return bar;
  });
}

/** @param {Bucket[]} buckets */
function points(buckets) {
  const step = WIDTH / Math.max(1, buckets.length);
  const slowest = Math.max(1, ...buckets.map((each) => each.latencyMs ?? 0));
  return buckets
    .map(({ latencyMs }, index) => [step * (index + 0.5), latencyMs])
    .filter(([, latency]) => latency !== undefined)
    .map(([x, latency]) => `${x},${LATENCY_HEIGHT - 2 - ((latency ?? 0) / slowest) * (LATENCY_HEIGHT - 4)}`)
    .join(" ");
}

/**
 * @param {{time: string, state: string}[]} all
 * @param {import("./texts.js").Texts} t
 */
function changes(all, t) {
  return all.slice(-CHANGES).reverse().map(({ time, state }) => {
    const item = document.createElement("li");
    const moment = localTime(time, document.documentElement.lang);
    item.textContent = t("history.change", { time: moment, state: t(`state.${state}`) });
    return item;
  });
}

/** The notices and the progress bar, from the sync status; `portal/web/notices.py` says the same when the page is rendered. */

import { localTime } from "./texts.js";

const SPOKEN_OF = ["stale", "failed", "forbidden"];

/**
 * @typedef {{name: string, status: string, error?: string, since?: string, lastContact?: string}} Resource
 * @typedef {{status: string, totalResources: number, syncedResources: number, restored?: string,
 *   resourceStatus?: Resource[]}} Sync
 */

const list = () => /** @type {HTMLElement} */ (document.querySelector(".notices"));

/**
 * Shows how far the synchronisation is.
 * @param {Sync} sync
 * @param {import("./texts.js").Texts} t
 */
export function showSync(sync, t) {
  const bar = /** @type {HTMLProgressElement} */ (document.querySelector(".sync"));
  bar.max = sync.totalResources || 1;
  bar.value = sync.syncedResources;
  bar.hidden = sync.status !== "in_progress";
  bar.setAttribute("aria-label", t("sync.progress", { done: sync.syncedResources, total: sync.totalResources }));
  /** @type {HTMLElement} */ (document.querySelector(".empty-syncing")).hidden = sync.status === "completed";
  put("restored", sync.restored ? timed(t("notice.restored"), sync.restored) : null);
  for (const state of SPOKEN_OF) {
    const resources = (sync.resourceStatus ?? []).filter((each) => each.status === state);
    put(state, resources.length ? lineOf(state, resources, t) : null);
  }
}

/**
 * Shows or takes away the mistake in the configuration.
 * @param {string} error
 * @param {import("./texts.js").Texts} t
 */
export function showConfigError(error, t) {
  put("config", error ? { before: t("notice.config", { error }), moment: "", after: "" } : null);
}

/** Shows the moments of notices in local time, as they are said today. */
export function localiseNotices() {
  for (const time of list().querySelectorAll("time")) if (time.dateTime) time.textContent = local(time.dateTime);
}

/** @typedef {{before: string, moment: string, after: string}} Line */

/**
 * @param {string} state
 * @param {Resource[]} resources
 * @param {import("./texts.js").Texts} t
 * @returns {Line}
 */
function lineOf(state, resources, t) {
  const errors = new Set(resources.map((each) => each.error).filter(Boolean));
  const moments = resources.map((each) => each.lastContact ?? each.since ?? "").filter(Boolean).sort();
  const text = t(`notice.${state}`, {
    names: resources.map((each) => each.name).join(", "),
    error: errors.size === 1 ? String([...errors][0]) : "",
  });
  return timed(text, moments[0] ?? "");
}

/**
 * @param {string} text
 * @param {string} moment
 * @returns {Line}
 */
function timed(text, moment) {
  const [before, after = ""] = text.split("{time}");
  return { before, moment: text.includes("{time}") ? moment : "", after };
}

/**
 * @param {string} kind
 * @param {Line | null} line
 */
function put(kind, line) {
  const known = list().querySelector(`[data-kind=${kind}]`);
  if (!line) known?.remove();
  else fill(known ?? added(kind), line);
  list().hidden = list().childElementCount === 0;
}

/** @param {string} kind */
function added(kind) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById("notice-template"));
  const item = /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
  item.dataset.kind = kind;
  list().append(item);
  return item;
}

/**
 * @param {Element} item
 * @param {Line} line
 */
function fill(item, line) {
  const time = /** @type {HTMLTimeElement} */ (item.querySelector("time"));
  time.dateTime = line.moment;
  time.textContent = line.moment ? local(line.moment) : "";
  /** @type {HTMLElement} */ (item.querySelector(".notice-before")).textContent = line.before;
  /** @type {HTMLElement} */ (item.querySelector(".notice-after")).textContent = line.after;
}

/** @param {string} moment */
const local = (moment) => localTime(moment, document.documentElement.lang);

/**
 * Applies events to the page; after a RESET fetches the whole, and brings what came meanwhile into it.
 *
 * The whole may come from a replica that is behind the one whose stream this is, or from one that is ahead. What is behind the RESET
 * is asked for again, for the stream does not repeat what lies between; of what is ahead, the stream's repetitions are left out.
 */

import { compared } from "./positions.js";

const SPREAD = { restart: 10000, other: 2000 }; // so that all browsers do not ask in the same moment
const LONGEST_DELAY = 30000;
const ANSWERED_WITHIN = 60000;
const STRANGERS = 3; // so often another history is asked for again: it may be of a replica that has not noticed yet

/**
 * @typedef {{type: string, data: any, position: string}} Event
 * @typedef {import("./card.js").Entry} Entry
 */

export class Updates {
  /**
   * @param {object} options
   * @param {string} options.position what the page shows
   * @param {import("./board.js").Board} options.board
   * @param {(sync: import("./notices.js").Sync) => void} options.onSync
   * @param {(config: any) => void} options.onConfig
   */
  constructor({ position, board, onSync, onConfig }) {
    this.shown = position; // by the snapshot, or the page as it was rendered
    this.heard = position; // from here on the stream brings everything
    this.needed = position; // no snapshot before this will do
    this.board = board;
    this.onSync = onSync;
    this.onConfig = onConfig;
    /** @type {Event[] | null} events that belong into the snapshot that is awaited */
    this.waiting = null;
    this.asked = 0;
    this.isReset = false; // then the configuration, too, may be another
  }

  /** @param {import("./feed.js").Frame} frame */
  take(frame) {
    const event = { ...JSON.parse(frame.data), position: frame.id };
    this.heard = frame.id || this.heard;
    this.isReset ||= event.type === "RESET";
    if (event.type === "RESET") this.catchUp(Math.random() * (SPREAD[/** @type {"restart"} */ (event.data.reason)] ?? SPREAD.other));
    else if (isNews(event, this.shown)) {
      this.waiting?.push(event);
      this.#apply(event);
    }
  }

  /** Asks for what is now, unless that is being asked already. */
  poll() {
    if (!this.waiting) this.catchUp(0, 0); // without a stream any history is as good as another
  }

  /**
   * Fetches the snapshot, after a delay in milliseconds, until it is there.
   * @param {number} delay
   * @param {number} [strangers] how often another history is asked for again
   */
  async catchUp(delay, strangers = STRANGERS) {
    const underWay = this.waiting !== null;
    this.waiting = []; // what came before this is in the snapshot, which is not before it
    this.needed = this.heard;
    this.asked += 1;
    if (underWay) return;
    for (let attempt = 0; ; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, delay));
      const asked = this.asked;
      const snapshot = await fetchSnapshot();
      const isInTime = snapshot && asked === this.asked;
      const order = isInTime ? compared(snapshot.position, this.needed) : NaN;
      if (isInTime && (order >= 0 || (Number.isNaN(order) && strangers-- <= 0))) return this.#takeOver(snapshot);
      delay = 1000 + Math.random() * Math.min(LONGEST_DELAY, 1000 * 2 ** attempt);
    }
  }

  /** @param {any} snapshot */
  #takeOver(snapshot) {
    const later = (this.waiting ?? []).filter((event) => isNews(event, snapshot.position));
    this.waiting = null;
    this.shown = this.heard = snapshot.position;
    this.board.reconcile(withEvents(snapshot, later));
    this.onSync(later.findLast((event) => event.type === "SYNC_STATUS")?.data ?? snapshot.sync);
    if (this.isReset) this.#configure();
    this.isReset = false;
  }

  /** @param {Event} event */
  #apply({ type, data }) {
    const [noun, verb] = type.split("_");
    if (noun === "APPLICATION" || noun === "BOOKMARK") {
      if (verb === "REMOVED") this.board.remove(data.id);
      else this.board.put(/** @type {import("./board.js").Kind} */ (noun.toLowerCase()), data);
    } else if (type === "STATUS_CHANGED") this.board.judge(data.changes);
    else if (type === "SYNC_STATUS") this.onSync(data);
    else if (type === "CONFIG_CHANGED") this.#configure();
  }

  async #configure() {
    try {
      this.onConfig((await (await fetch("/api/config")).json()).config);
      renewTheme();
    } catch {
      // the next change or the next visit brings it
    }
  }
}

/**
 * Tells whether what is shown at a position does not hold an event yet. What a replica says of itself has no position of its own
 * where replicas share the stream, and no snapshot holds the configuration.
 * @param {Event} event
 * @param {string} position
 */
function isNews({ type, position: at }, position) {
  const order = compared(at, position);
  return type === "CONFIG_CHANGED" || !(order < 0 || (order === 0 && type !== "SYNC_STATUS"));
}

/**
 * Returns the entries of a snapshot as they are after later events.
 * @param {{applications: Entry[], bookmarks: Entry[]}} snapshot
 * @param {Event[]} events
 */
function withEvents(snapshot, events) {
  const [applications, bookmarks] = [snapshot.applications, snapshot.bookmarks].map(
    (entries) => new Map(entries.map((entry) => [entry.id, entry])),
  );
  for (const { type, data } of events) {
    const [noun, verb] = type.split("_");
    const entries = noun === "BOOKMARK" ? bookmarks : applications;
    if (verb === "REMOVED") entries.delete(data.id);
    else if (verb === "ADDED" || verb === "UPDATED") entries.set(data.id, data);
    else if (type === "STATUS_CHANGED")
      for (const { id, health } of data.changes) {
        const known = applications.get(id);
        if (known) applications.set(id, { ...known, health });
      }
  }
  return { applications: [...applications.values()], bookmarks: [...bookmarks.values()] };
}

/** @returns {Promise<any>} the snapshot, null where it is not to be had now */
async function fetchSnapshot() {
  try {
    const answer = await fetch("/api/snapshot", { signal: AbortSignal.timeout(ANSWERED_WITHIN) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** Loads the theme anew behind the old ones, so that the page never stands without, and the latest counts. */
function renewTheme() {
  const old = /** @type {HTMLLinkElement[]} */ ([...document.querySelectorAll('link[href^="/theme.css"]')]);
  const fresh = document.createElement("link");
  fresh.rel = "stylesheet";
  fresh.href = `/theme.css?at=${Date.now()}`;
  fresh.onload = () => old.forEach((each) => each.remove());
  old.at(-1)?.after(fresh);
}

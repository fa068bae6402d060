/** Applies events to the page; after a RESET fetches the whole and goes on with what came meanwhile. */

const SPREAD = { restart: 10000, other: 2000 }; // so that all browsers do not ask in the same moment
const LONGEST_DELAY = 30000;
const ANSWERED_WITHIN = 60000;

export class Updates {
  /**
   * @param {object} options
   * @param {import("./board.js").Board} options.board
   * @param {(sync: import("./notices.js").Sync) => void} options.onSync
   * @param {(config: any) => void} options.onConfig
   */
  constructor({ board, onSync, onConfig }) {
    this.board = board;
    this.onSync = onSync;
    this.onConfig = onConfig;
    /** @type {{type: string, data: any}[] | null} events that wait for a snapshot */
    this.waiting = null;
    this.asked = 0;
    this.isReset = false; // then the configuration, too, may be another
  }

  /** @param {import("./feed.js").Frame} frame */
  take(frame) {
    const event = JSON.parse(frame.data);
    this.isReset ||= event.type === "RESET";
    if (event.type === "RESET") this.catchUp(Math.random() * (SPREAD[/** @type {"restart"} */ (event.data.reason)] ?? SPREAD.other));
    else if (this.waiting) this.waiting.push(event);
    else this.#apply(event);
  }

  /** Asks for what is now, unless that is being asked already. */
  poll() {
    if (!this.waiting) this.catchUp(0);
  }

  /**
   * Fetches the snapshot, after a delay in milliseconds, until it is there.
   * @param {number} delay
   */
  async catchUp(delay) {
    const underWay = this.waiting !== null;
    this.waiting = []; // what came before this is in the snapshot, which is asked for after it
    this.asked += 1;
    if (underWay) return;
    for (let attempt = 0; ; attempt += 1) {
      await new Promise((resolve) => setTimeout(resolve, delay));
      const asked = this.asked;
      const snapshot = await fetchSnapshot();
      if (snapshot && asked === this.asked) return this.#takeOver(snapshot);
      delay = 1000 + Math.random() * Math.min(LONGEST_DELAY, 1000 * 2 ** attempt);
    }
  }

  /** @param {any} snapshot */
  #takeOver(snapshot) {
    /** @type {{type: string, data: any}[]} */
    const waiting = this.waiting ?? [];
    this.waiting = null;
    this.board.reconcile(snapshot);
    this.onSync(snapshot.sync);
    for (const event of waiting) this.#apply(event);
    if (this.isReset) this.#configure();
    this.isReset = false;
  }

  /** @param {{type: string, data: any}} event */
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

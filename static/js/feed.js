/**
 * One EventSource that does not give up: watched by heartbeats, opened again with jitter when the browser has closed it for
 * good, and going on from the last position.
 */

const STREAM = "/api/updates/stream";
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30000;
const CONNECTING_AT_MOST = 90000; // longer than the longest `retry` that an overloaded server asks for

/**
 * @typedef {"connecting" | "live" | "reconnecting" | "paused"} FeedState
 * @typedef {{id: string, data: string}} Frame
 * @typedef {object} Surroundings
 * @property {(url: string) => EventSource} open
 * @property {() => number} random from 0 to 1
 * @property {() => number} now in milliseconds
 */

/** @type {Surroundings} */
const BROWSER = { open: (url) => new EventSource(url), random: Math.random, now: () => performance.now() };

export class Feed {
  /**
   * @param {object} options
   * @param {string} options.position where to go on from
   * @param {number} options.heartbeat seconds between heartbeats
   * @param {(frame: Frame) => void} options.onFrame
   * @param {(state: FeedState) => void} options.onState
   * @param {Surroundings} [surroundings]
   */
  constructor({ position, heartbeat, onFrame, onState }, surroundings = BROWSER) {
    this.position = position;
    this.patience = heartbeat * 2000 + 5000;
    this.onFrame = onFrame;
    this.onState = onState;
    this.around = surroundings;
    this.failures = 0;
    this.heard = surroundings.now();
    /** @type {FeedState} */
    this.state = "connecting";
    /** @type {EventSource | null} */
    this.source = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retry = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.watchdog = undefined;
  }

  /** Connects, or connects again at once. */
  start() {
    this.#close();
    this.heard = this.around.now();
    this.watchdog = setInterval(() => this.check(), Math.min(5000, this.patience / 4));
    const query = this.position ? `?last_event_id=${encodeURIComponent(this.position)}` : "";
    const source = this.around.open(STREAM + query);
    this.source = source;
    source.onmessage = (message) => this.#take(message);
    source.onerror = () => this.#failed(source);
  }

  /** Disconnects until the next start. */
  pause() {
    this.#close();
    this.#enter("paused");
  }

  /** Opens anew what has been silent for too long; also worth asking after the machine slept. */
  check() {
    if (!this.source || this.state === "paused") return;
    const silent = this.around.now() - this.heard;
    if (silent > (this.source.readyState === EventSource.OPEN ? this.patience : CONNECTING_AT_MOST)) this.#again();
  }

  /** @param {MessageEvent<string>} message */
  #take(message) {
    this.heard = this.around.now();
    this.failures = 0;
    if (message.lastEventId) this.position = message.lastEventId;
    this.#enter("live");
    this.onFrame({ id: message.lastEventId, data: message.data });
  }

  /** @param {EventSource} source */
  #failed(source) {
    if (source !== this.source) return;
    this.#enter(this.state === "connecting" ? "connecting" : "reconnecting");
    if (source.readyState === EventSource.CLOSED) this.#again();
  }

  #again() {
    this.#close();
    this.#enter("reconnecting");
    const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.failures);
    this.failures += 1;
    this.retry = setTimeout(() => this.start(), this.around.random() * ceiling);
  }

  #close() {
    clearTimeout(this.retry);
    clearInterval(this.watchdog);
    this.source?.close();
    this.source = null;
  }

  /** @param {FeedState} state */
  #enter(state) {
    if (state === this.state) return;
    this.state = state;
    this.onState(state);
  }
}

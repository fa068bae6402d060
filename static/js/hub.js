/**
 * Shares one feed among tabs. A tab says where it is; it gets what it has missed from a short memory, or is told to start anew.
 *
 * Messages from a tab: `{kind: "hello", position, heartbeat, visible}`, `{kind: "visible", visible}`, `{kind: "bye"}`.
 * To a tab: `{kind: "frame", frame}`, `{kind: "state", state}`.
 */

import { Feed } from "./feed.js";

const REMEMBERED = 512;
const HIDDEN_AT_MOST = 5 * 60 * 1000;

/** @typedef {{post: (message: object) => void}} Tab */

/** What a tab is told whose position is not remembered here. */
const START_ANEW = JSON.stringify({ type: "RESET", data: { reason: "gap" } });

export class Hub {
  /** @param {import("./feed.js").Surroundings} [surroundings] */
  constructor(surroundings) {
    this.surroundings = surroundings;
    /** @type {Map<Tab, boolean>} tabs, and whether each is visible */
    this.tabs = new Map();
    /** @type {import("./feed.js").Frame[]} */
    this.frames = [];
    this.oldest = "";
    /** @type {Feed | null} */
    this.feed = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.rest = undefined;
  }

  /**
   * @param {Tab} tab
   * @param {any} message
   */
  receive(tab, message) {
    if (message.kind === "hello") {
      this.tabs.set(tab, message.visible);
      this.#welcome(tab, message.position, message.heartbeat);
    }
    if (message.kind === "visible" && this.tabs.has(tab)) this.tabs.set(tab, message.visible);
    if (message.kind === "bye") this.tabs.delete(tab);
    this.#attend();
  }

  /** Ends, for another hub is in charge. */
  close() {
    this.tabs.clear();
    clearTimeout(this.rest);
    this.feed?.pause();
  }

  /**
   * @param {Tab} tab
   * @param {string} position
   * @param {number} heartbeat
   */
  #welcome(tab, position, heartbeat) {
    if (!this.feed) {
      this.oldest = position;
      this.feed = new Feed(
        {
          position,
          heartbeat,
          onFrame: (frame) => this.#pass(frame),
          onState: (state) => this.#tell({ kind: "state", state }),
        },
        this.surroundings,
      );
      this.feed.start();
    } else {
      for (const frame of this.#since(position)) tab.post({ kind: "frame", frame });
    }
    tab.post({ kind: "state", state: this.feed.state });
  }

  /** @param {string} position */
  #since(position) {
    const index = this.frames.findLastIndex((frame) => frame.id === position);
    if (index >= 0) return this.frames.slice(index + 1);
    return position === this.oldest ? this.frames : [{ id: this.feed?.position ?? "", data: START_ANEW }];
  }

  /** @param {import("./feed.js").Frame} frame */
  #pass(frame) {
    this.frames.push(frame);
    if (this.frames.length > REMEMBERED) this.oldest = this.frames.shift()?.id ?? "";
    this.#tell({ kind: "frame", frame });
  }

  /** @param {object} message */
  #tell(message) {
    for (const tab of this.tabs.keys()) tab.post(message);
  }

  /** Rests when nobody is left, and while nobody has looked for some minutes; goes on as soon as somebody does. */
  #attend() {
    if (this.tabs.size === 0) this.feed?.pause(); // at once: where the last page that is left is kept, so is what it holds
    const watched = [...this.tabs.values()].some(Boolean);
    if (!watched) {
      this.rest ??= setTimeout(() => this.feed?.pause(), HIDDEN_AT_MOST);
      return;
    }
    clearTimeout(this.rest);
    this.rest = undefined;
    if (this.feed?.state === "paused") this.feed.start();
    this.feed?.check();
  }
}

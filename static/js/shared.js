/**
 * Gets a tab its events over one connection per browser: by a shared worker; where there is none, by the tab that holds a lock and
 * tells the others; where there is neither, by a connection of its own.
 */

import { Hub } from "./hub.js";

const LOCK = "portal-stream";
const CHANNEL = "portal-stream";
const WATCH_MS = 5000;

/**
 * @typedef {object} Listener
 * @property {string} position where the page was rendered
 * @property {number} heartbeat seconds
 * @property {(frame: import("./feed.js").Frame) => void} onFrame
 * @property {(state: import("./feed.js").FeedState) => void} onState
 */

/**
 * Listens, and looks for another hub when this one is silent: a worker may be killed, a leading tab be frozen.
 * @param {Listener} listener
 */
export function listen(listener) {
  let { position } = listener;
  let heard = performance.now();
  let asked = false;
  const patience = listener.heartbeat * 2000 + 2 * WATCH_MS; // a feed that is watched loses its own before
  const receive = (/** @type {any} */ message) => {
    heard = performance.now();
    if (message.kind === "frame") {
      position = message.frame.id || position;
      listener.onFrame(message.frame);
    }
    if (message.kind === "state") listener.onState(message.state);
  };
  const hello = () =>
    way.send({ kind: "hello", position, heartbeat: listener.heartbeat, visible: !document.hidden });
  let way = transport()(receive, hello, () => {
    way = alone(receive);
    hello();
  });
  const watch = () => {
    const silent = !document.hidden && performance.now() - heard > patience;
    if (silent && asked) way.again();
    if (silent) hello(); // a hub that is there answers
    asked = silent;
  };
  hello();
  setInterval(watch, WATCH_MS);
  document.addEventListener("visibilitychange", () => way.send({ kind: "visible", visible: !document.hidden }));
  addEventListener("pagehide", () => {
    way.send({ kind: "bye" });
    way.leave();
  });
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    listener.onState("reconnecting"); // until a hub says otherwise: what was live when the page was left need not be now
    way.again();
    hello();
  });
}

/**
 * A way to a hub: how to send it a message, to hold nothing while the page is left and perhaps kept by the browser, and to seek
 * a hub again when the page is back or this one does not answer.
 * @typedef {{send: (message: object) => void, leave: () => void, again: () => void}} Way
 *
 * Finds a way, given what receives the hub's messages, what to call when the hub is a new one, and when there is no way.
 * @typedef {(receive: (message: any) => void, anew: () => void, failed: () => void) => Way} Transport
 */

/** @returns {Transport} */
function transport() {
  if (typeof SharedWorker === "function") return byWorker;
  if (navigator.locks && typeof BroadcastChannel === "function") return byLeader;
  return alone;
}

/** @type {Transport} */
function byWorker(receive, anew, failed) {
  const connected = () => {
    const worker = new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: "portal" });
    worker.onerror = failed; // it could not be loaded
    worker.port.onmessage = ({ data }) => receive(data);
    return worker.port;
  };
  let port = connected();
  return {
    send: (message) => port.postMessage(message),
    leave: () => {},
    again: () => {
      port.postMessage({ kind: "bye" });
      port.close();
      port = connected();
    },
  };
}

/**
 * The tab that gets the lock holds the hub until it is closed or left; then another gets it, and everybody says hello again. From a
 * leader that does not answer the lock is taken away; what it says when it wakes is not heard.
 * @type {Transport}
 */
function byLeader(receive, anew) {
  const own = String(Math.random());
  const channel = new BroadcastChannel(CHANNEL);
  let leader = "";
  let stealing = false;
  let release = () => {};
  /** @type {AbortController | null} */
  let here = null; // ends the queueing when the page is left
  /** @type {Hub | null} */
  let hub = null;
  /** @type {Map<string, import("./hub.js").Tab>} */
  const tabs = new Map();
  const tabOf = (/** @type {string} */ name) => {
    const known = tabs.get(name) ?? {
      post: (message) => (name === own ? receive(message) : channel.postMessage({ to: name, leader: own, message })),
    };
    tabs.set(name, known);
    return known;
  };
  channel.onmessage = ({ data }) => {
    if (data.elected) {
      leader = data.elected;
      anew();
    }
    if (data.to === own) leader ||= data.leader;
    if (data.to === own && data.leader === leader) receive(data.message);
    if (data.from && hub) hub.receive(tabOf(data.from), data.message);
  };
  const lead = () => {
    if (!here) return undefined;
    hub = new Hub();
    channel.postMessage({ elected: own });
    anew();
    return new Promise((resolve) => {
      release = () => resolve(undefined);
    });
  };
  const close = () => {
    hub?.close();
    hub = null;
    tabs.clear();
  };
  const resign = () => {
    close();
    if (here) anew();
  };
  const queue = () => {
    const { signal } = (here = new AbortController());
    navigator.locks.request(LOCK, { signal }, lead).catch(() => {
      if (signal.aborted) return;
      resign();
      queue();
    });
  };
  const steal = async () => {
    stealing = true;
    await navigator.locks.request(LOCK, { steal: true }, lead).catch(resign); // this tab still queues, too
    stealing = false;
  };
  queue();
  return {
    send: (message) => (hub ? hub.receive(tabOf(own), message) : channel.postMessage({ from: own, message })),
    leave: () => {
      here?.abort();
      here = null;
      leader = "";
      close();
      release();
    },
    again: () => {
      if (!here) queue();
      else if (!hub && !stealing) steal();
    },
  };
}

/** @type {Transport} */
function alone(receive) {
  const hub = new Hub();
  const tab = { post: receive };
  return { send: (message) => hub.receive(tab, message), leave: () => {}, again: () => {} };
}

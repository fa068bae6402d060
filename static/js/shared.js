/**
 * Gets a tab its events over one connection per browser: by a shared worker; where there is none, by the tab that holds a lock and
 * tells the others; where there is neither, by a connection of its own.
 */

import { Hub } from "./hub.js";

const LOCK = "portal-stream";
const CHANNEL = "portal-stream";

/**
 * @typedef {object} Listener
 * @property {string} position where the page was rendered
 * @property {number} heartbeat seconds
 * @property {(frame: import("./feed.js").Frame) => void} onFrame
 * @property {(state: import("./feed.js").FeedState) => void} onState
 */

/**
 * Listens. Returns what the page has to call when it becomes visible or hidden, or goes.
 * @param {Listener} listener
 */
export function listen(listener) {
  let { position } = listener;
  const receive = (/** @type {any} */ message) => {
    if (message.kind === "frame") {
      position = message.frame.id || position;
      listener.onFrame(message.frame);
    }
    if (message.kind === "state") listener.onState(message.state);
  };
  let send = transport()(receive, () => hello(), () => {
    send = alone(receive);
    hello();
  });
  const hello = () =>
    send({ kind: "hello", position, heartbeat: listener.heartbeat, visible: !document.hidden });
  hello();
  document.addEventListener("visibilitychange", () => send({ kind: "visible", visible: !document.hidden }));
  addEventListener("pagehide", () => send({ kind: "bye" }));
  addEventListener("pageshow", (event) => event.persisted && hello());
}

/**
 * A way to a hub: given what receives its messages, what to call when the hub is a new one, and when there is no way.
 * @typedef {(receive: (message: any) => void, anew: () => void, failed: () => void) => (message: object) => void} Transport
 */

/** @returns {Transport} */
function transport() {
  if (typeof SharedWorker === "function") return byWorker;
  if (navigator.locks && typeof BroadcastChannel === "function") return byLeader;
  return alone;
}

/** @type {Transport} */
function byWorker(receive, anew, failed) {
  const worker = new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: "portal" });
  worker.onerror = failed; // it could not be loaded
  worker.port.onmessage = ({ data }) => receive(data);
  return (message) => worker.port.postMessage(message);
}

/**
 * The tab that gets the lock holds the hub until it is closed; then another gets it, and everybody says hello again.
 * @type {Transport}
 */
function byLeader(receive, anew) {
  const own = String(Math.random());
  const channel = new BroadcastChannel(CHANNEL);
  /** @type {Hub | null} */
  let hub = null;
  /** @type {Map<string, import("./hub.js").Tab>} */
  const tabs = new Map();
  const tabOf = (/** @type {string} */ name) => {
    const known = tabs.get(name) ?? {
      post: (message) => (name === own ? receive(message) : channel.postMessage({ to: name, message })),
    };
    tabs.set(name, known);
    return known;
  };
  channel.onmessage = ({ data }) => {
    if (data.to === own) receive(data.message);
    if (data.from && hub) hub.receive(tabOf(data.from), data.message);
    if (data.elected) anew();
  };
  navigator.locks.request(LOCK, () => {
    hub = new Hub();
    channel.postMessage({ elected: true });
    anew();
    return new Promise(() => {});
  });
  return (message) => (hub ? hub.receive(tabOf(own), message) : channel.postMessage({ from: own, message }));
}

/** @param {(message: any) => void} receive */
function alone(receive) {
  const hub = new Hub();
  const tab = { post: receive };
  return (/** @type {object} */ message) => hub.receive(tab, message);
}

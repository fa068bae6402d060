/** The shared worker: one connection for all tabs of a browser. */

import { Hub } from "./hub.js";

const hub = new Hub();

/** @type {any} */ (self).onconnect = (/** @type {MessageEvent} */ event) => {
  const [port] = event.ports;
  const tab = { post: (/** @type {object} */ message) => port.postMessage(message) };
  port.onmessage = ({ data }) => hub.receive(tab, data);
};

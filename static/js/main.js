/** Brings the page to life: events change cards in place, notices and progress follow, typing searches. */

import { announcer } from "./announcer.js";
import { Board } from "./board.js";
import { showHistories } from "./history.js";
import { localiseNotices, showConfigError, showSync } from "./notices.js";
import { rememberGroups, themeSwitch } from "./preferences.js";
import { search } from "./search.js";
import { listen } from "./shared.js";
import { eachDay, loadTexts } from "./texts.js";
import { Updates } from "./updates.js";

const page = document.body.dataset;

rememberGroups();
const t = await loadTexts(page.texts ?? "");
themeSwitch(t);
showHistories(t);
search(t, () => page.searchEngine ?? "");
localiseNotices();

const board = new Board(page.tags ?? "", t, announcer(t));
const updates = new Updates({
  position: page.position ?? "",
  board,
  onSync: (sync) => showSync(sync, t),
  onConfig: (config) => {
    document.title = config.web.title;
    /** @type {HTMLElement} */ (document.querySelector(".title")).textContent = config.web.title;
    page.searchEngine = config.web.searchEngine;
    showConfigError(config.configError ?? "", t);
  },
});

eachDay(() => {
  board.localise();
  localiseNotices();
});

const live = /** @type {HTMLElement} */ (document.querySelector(".live"));

/**
 * @param {string} state
 * @param {Record<string, string>} [values]
 */
function indicate(state, values) {
  live.hidden = false;
  live.dataset.state = state;
  /** @type {HTMLElement} */ (live.querySelector(".live-word")).textContent = t(`live.${state}`, values);
}

if (new URLSearchParams(location.search).get("q")) updates.catchUp(0); // the server left out what does not match

const seconds = Number(page.refresh);
if (page.realtime === "on") {
  indicate("connecting");
  listen({
    position: page.position ?? "",
    heartbeat: Number(page.heartbeat) || 15,
    onFrame: (frame) => updates.take(frame),
    onState: (state) => indicate(state === "paused" ? "reconnecting" : state),
  });
} else if (seconds > 0) {
  indicate("polling", { seconds: String(seconds) });
  setInterval(() => document.hidden || updates.poll(), seconds * 1000);
  addEventListener("pageshow", ({ persisted }) => persisted && updates.poll());
} else {
  indicate("off");
}

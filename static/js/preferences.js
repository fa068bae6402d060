/** What a visitor has chosen, kept in the browser under Startpunkt's names, so that it is found again. */

const COLLAPSED = { application: "collapsedApplicationGroups", bookmark: "collapsedBookmarkGroups" };

/**
 * @param {string} key
 * @param {unknown} fallback
 */
function read(key, fallback) {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "") ?? fallback;
  } catch {
    return fallback;
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function write(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // storage is full or forbidden; the choice holds until the page is left
  }
}

/** Lets groups stay as they were left: collapsed or open. */
export function rememberGroups() {
  for (const groups of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".groups"))) {
    const key = COLLAPSED[/** @type {"application" | "bookmark"} */ (groups.dataset.kind)];
    const kept = read(key, []);
    const names = Array.isArray(kept) ? kept : Object.keys(kept).filter((name) => kept[name]); // an older form
    const collapsed = new Set(names.map((each) => String(each).toLowerCase()));
    const restore = (/** @type {HTMLDetailsElement} */ group) => {
      if (collapsed.has(group.dataset.key ?? "")) group.open = false;
    };
    for (const group of groups.children) restore(/** @type {HTMLDetailsElement} */ (group));
    groups.addEventListener("portal:group", ({ target }) => restore(/** @type {HTMLDetailsElement} */ (target)));
    groups.addEventListener("click", ({ target }) => {
      const summary = /** @type {Element} */ (target).closest("summary");
      if (!summary) return;
      const group = /** @type {HTMLDetailsElement} */ (summary.parentElement);
      const name = group.dataset.key ?? "";
      if (group.open) collapsed.add(name); // the click is seen before it acts
      else collapsed.delete(name);
      write(key, JSON.stringify([...collapsed]));
    });
  }
}

const THEMES = ["auto", "light", "dark"];

/**
 * Lets the theme be chosen: as the system, light, dark.
 * @param {import("./texts.js").Texts} t
 */
export function themeSwitch(t) {
  const button = /** @type {HTMLButtonElement} */ (document.querySelector(".theme-switch"));
  const root = document.documentElement;
  let theme = root.dataset.theme ?? "auto";
  const show = () => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
    button.title = t(`theme.${theme}`);
    button.setAttribute("aria-label", button.title);
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    write("theme", theme);
    show();
  });
  show();
}

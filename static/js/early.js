// Runs before the first paint, so that a chosen theme does not flash: sets data-theme on the root element.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // storage is forbidden here; the system's theme it is
}

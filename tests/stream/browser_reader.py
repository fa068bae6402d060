"""Chromium's EventSource in a process of its own: `python -m tests.stream.browser_reader CHROMIUM URL COUNT`.

Opens the page at URL's origin, reads COUNT messages of the stream at URL, and prints them as JSON, each [lastEventId,
data].
"""

from __future__ import annotations

import json
import sys
from urllib.parse import urljoin

from playwright.sync_api import sync_playwright

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
READ = """([url, count]) => new Promise((resolve, reject) => {
  const seen = [];
  const source = new EventSource(url);
  source.onmessage = (event) => {
    seen.push([event.lastEventId, event.data]);
    if (seen.length === count) { source.close(); resolve(seen); }
  };
  setTimeout(() => reject(new Error('only ' + JSON.stringify(seen))), 20000);
})"""

if __name__ == "__main__":
    chromium, url, count = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page()
        page.goto(urljoin(url, "/ping"))
        print(json.dumps(page.evaluate(READ, [url, int(count)])))  # noqa: T201 - for the test that started it
        browser.close()

"""The floor: every page that portal lists, downloaded by as many connections and thrown away.

`python -m tests.bench.start.download KUBECONFIG` prints the seconds.
"""

from gevent import monkey

monkey.patch_all()  # as the product does

import re  # noqa: E402 - after the patch
import sys  # noqa: E402 - after the patch
import threading  # noqa: E402 - after the patch
import time  # noqa: E402 - after the patch

from portal.kube.client import Api, connect  # noqa: E402 - after the patch
from portal.kube.errors import NotFound  # noqa: E402 - after the patch
from portal.kube.limits import TokenBucket  # noqa: E402 - after the patch
from portal.sources import SOURCES  # noqa: E402 - after the patch

CONNECTIONS = 4
PAGE = 500
TOKEN = re.compile(rb'"continue":"([^"]+)"')


def main() -> None:
    """Download everything once and print how long it took."""
    api = connect(sys.argv[1], None, bucket=TokenBucket(100_000, 100_000))
    left = iter([source.resources[0].path() for source in SOURCES])
    began = time.perf_counter()
    threads = [threading.Thread(target=lambda: [download(api, path) for path in left]) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(time.perf_counter() - began, flush=True)


def download(api: Api, path: str) -> None:
    """Download one list, page by page; a kind that is not served is over at once."""
    token = ""
    try:
        while True:
            query = {"limit": str(PAGE), "continue": token} if token else {"limit": str(PAGE)}
            body = api.get(path, query, exempt=True)
            found = TOKEN.search(body[:2000])
            if found is None:
                return
            token = found[1].decode()
    except NotFound:
        return


if __name__ == "__main__":
    main()

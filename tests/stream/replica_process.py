"""One replica in a process of its own, so that it can be killed: `python -m tests.stream.replica_process URL NAME`.

Prints its port once it serves.
"""

from gevent import monkey

monkey.patch_all()

import sys  # noqa: E402 - after the patch
import time  # noqa: E402

from tests.stream.replicas import Replica  # noqa: E402

if __name__ == "__main__":
    replica = Replica(sys.argv[1], sys.argv[2])
    replica.broker.wait_filled(10)
    print(replica.address[1], flush=True)  # noqa: T201 - for the test that started it
    time.sleep(300)

"""The entry of the process: makes the standard library cooperative, then hands over to the command line."""

import os
import signal
import sys

from gevent import hub, monkey

for number in (signal.SIGTERM, signal.SIGINT) if sys.argv[1:2] in (["serve"], ["demo"]) else ():
    # Until they serve, there is nothing to end in good order; and process 1 of a container would not even hear it.
    signal.signal(number, lambda *_: os._exit(0))

hub.Hub.NOT_ERROR = (*hub.Hub.NOT_ERROR, KeyboardInterrupt)  # it is said in a line, as all that ends a command
monkey.patch_all()  # before anything imports ssl, socket or threading

from portal.cli.main import main

if __name__ == "__main__":
    main()

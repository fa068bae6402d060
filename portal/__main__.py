"""The entry of the process: makes the standard library cooperative, then hands over to the command line."""

from gevent import monkey

monkey.patch_all()  # before anything imports ssl, socket or threading

from portal.cli.main import main

if __name__ == "__main__":
    main()

"""`make docs`: write docs/events anew from the contracts."""

import sys

from duijie.docs.writing import EVENTS, NotWritten, write

if __name__ == "__main__":
    try:
        write(EVENTS)
    except NotWritten as why:
        sys.exit(str(why))

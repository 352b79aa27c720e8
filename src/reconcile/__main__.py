"""The program `reconcile`, also as `python -m reconcile`."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line. While it is being imported, a signal ends the process without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    from reconcile.cli import main as run

    run()


if __name__ == "__main__":
    main()

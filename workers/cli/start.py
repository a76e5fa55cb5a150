"""Where ``shukka`` begins: all that it imports takes a second, in which Ctrl-C is an end like any other."""

from __future__ import annotations

from typing import Final

#: What a shell says of a program that SIGINT ended.
INTERRUPTED: Final = 130


def main() -> None:
    """Entry point of the console script."""
    try:
        from workers.cli.main import main as run

        run()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()

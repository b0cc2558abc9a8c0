"""``python -m clients.cli`` is ``paceline``."""

from clients.cli.app import main

if __name__ == "__main__":
    main()

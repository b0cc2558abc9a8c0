"""The ``paceline`` command."""

from clients.cli.app import main

__all__ = ["main"]

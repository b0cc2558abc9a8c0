"""Actors: the kernel, the messages, and one behavior for each noun that decides."""

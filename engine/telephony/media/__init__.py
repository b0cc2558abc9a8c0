"""Answer for the media of calls: a switch for RTP in a process of its own, and its client."""

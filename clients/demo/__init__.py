"""The demo: an engine, and a world of its own for it to call, over real SIP and RTP on loopback.

The world is written anew, without the engine's SIP or media: it is a witness, not a mirror.
"""

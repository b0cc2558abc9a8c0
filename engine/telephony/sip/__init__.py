"""Paceline's own SIP: a pure core, and the thin transports and adapter around it.

What others use is the adapter (``adapter.SipTelephony``); the core's face is ``UserAgent``.
"""

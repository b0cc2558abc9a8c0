"""Telephony behind its port: SIP with media in production, a virtual carrier in simulation."""

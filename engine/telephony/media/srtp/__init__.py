"""Answer for encrypted audio: SRTP and SRTCP with keys that the signalling brings (RFC 3711)."""

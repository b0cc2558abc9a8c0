"""What requests of this user agent say of it, over each transport."""

import msgspec


class Origin(msgspec.Struct, frozen=True, gc=False):
    """What requests of this user agent say of it.

    Attributes:
        sent_by: Host and port of Via.
        contact: Value of Contact.
        agent: Value of User-Agent.
        streams: The same over other transports than UDP, by their name in Via.
    """

    sent_by: str
    contact: str
    agent: str
    streams: "dict[str, Origin]" = {}

    def over(self, transport: str) -> "Origin":
        """Return what requests over a transport say."""
        return self if transport == "UDP" else self.streams.get(transport, self)


def make_origin(host: str, port: int, tls_port: int, agent: str) -> Origin:
    """Return what requests say of us over each transport."""
    shown = f"[{host}]" if ":" in host else host
    streams = {
        name: Origin(f"{shown}:{at}", f"<sip:{shown}:{at};transport={name.lower()}>", agent)
        for name, at in (("TCP", port), ("TLS", tls_port))
    }
    return Origin(f"{shown}:{port}", f"<sip:{shown}:{port}>", agent, streams)

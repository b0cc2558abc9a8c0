"""The gRPC face of the engine: names, units and errors of the wire, and nothing that decides."""

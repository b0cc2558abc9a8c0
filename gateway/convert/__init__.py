"""Between the wire and the engine: the only place where names, units and enums change form."""

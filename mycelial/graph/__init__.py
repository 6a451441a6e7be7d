"""From events to evidence: identity, episodes, provenance, and the engine process that runs it all."""

"""The bundled sample and `scantune demo`."""

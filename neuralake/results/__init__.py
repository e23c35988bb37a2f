"""What was measured: records, journal, fingerprint of the environment, store."""

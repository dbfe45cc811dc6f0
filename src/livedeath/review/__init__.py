"""The review queue and the reviewer's append-only journal; no Qt here."""

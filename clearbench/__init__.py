"""Cross-lingual retrieval evaluation per language pair."""

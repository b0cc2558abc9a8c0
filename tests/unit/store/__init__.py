"""What every store keeps its word about, and what only the SQLite one must."""

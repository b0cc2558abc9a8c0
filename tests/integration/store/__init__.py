"""The store under real deaths of its process."""

"""State machines as tables, and the small pure rules that belong to them."""

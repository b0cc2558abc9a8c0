"""Records as columns: what a list holds, who may be attempted now, and how files become records."""

"""What holds for every history of facts."""

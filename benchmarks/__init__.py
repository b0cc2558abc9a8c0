"""One file per question, each with a method, a machine line and something to compare with."""

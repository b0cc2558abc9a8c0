"""Paceline's engine: lists in, lawful SIP calls out at the pace of free agents."""

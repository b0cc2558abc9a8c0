"""The services of paceline.v1, one file each."""

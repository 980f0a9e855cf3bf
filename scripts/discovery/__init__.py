"""Asks a cloud's API which hosts there are: scripts/discover."""

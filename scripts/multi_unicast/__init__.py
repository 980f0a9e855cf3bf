"""What scripts/multi-unicast is made of."""

"""Many calls at once, within the provider's limits."""

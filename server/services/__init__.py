"""Business rules, one package per area."""

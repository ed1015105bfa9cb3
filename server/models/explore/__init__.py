"""Candidates of explore, and the rankings that scheduled jobs compute."""

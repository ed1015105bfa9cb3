"""Notifications: stored, listed, streamed, and delivered by push and e-mail (`delivery`)."""

"""Accounts: registration, credentials, sessions, tokens, roles and account e-mails."""

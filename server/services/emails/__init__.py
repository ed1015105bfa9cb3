"""E-mail texts, templates and unsubscribe tokens, used by accounts and notifications."""

"""E-mail: building messages, sending them over SMTP, or writing them to the outbox folder."""

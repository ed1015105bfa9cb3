"""OpenID Connect providers: their configuration documents and signing keys."""

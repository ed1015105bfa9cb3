"""HTTP plumbing shared by all routes: middleware, authentication, rate limits, bodies, errors."""

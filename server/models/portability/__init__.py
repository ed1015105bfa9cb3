"""Tables and statements of exports and imports."""

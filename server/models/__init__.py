"""Tables, repositories, migrations and the database connection."""

"""Parts of `server/models/migrations.py`: migration files, the state of the schema, progress of statements."""

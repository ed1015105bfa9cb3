"""The unit of work, the job queue on its table, schedules and maintenance."""

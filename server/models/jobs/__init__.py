"""Tables and repositories of jobs, queues, schedules, nodes and idempotency keys."""

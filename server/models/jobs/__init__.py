"""Tables of jobs, queues, schedules, nodes and idempotency keys."""

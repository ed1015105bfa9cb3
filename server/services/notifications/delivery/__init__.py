"""Deliveries: pushes and letters of what a person was told, each a job on its own feet.

A notification is delivered while it stands and has not been read, to whoever still wants it; otherwise it is owed no
more, and owed again if it comes back. Run twice, after a worker that died at the wrong moment, a delivery may go out
twice, under the same key: mail programs and devices show it once.
"""

"""Delivery by push and e-mail; each channel has its own jobs.

A notification is delivered while it exists, is unread and is wanted by the recipient. Otherwise its channel is
released, and requested again if the activity returns. A job that runs twice may deliver twice, under the same key: mail
programs and devices show it once.
"""

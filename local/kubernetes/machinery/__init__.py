"""What every controller stands on: API access, informers, work queues, event recording.

The shapes are those of client-go (reflector, workqueue, recorder), on top of the official Python client's
configuration, TLS and connection pools. Nothing here knows which API server answers.
"""

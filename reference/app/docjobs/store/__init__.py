"""What is written and read in the database, one subject a module.

Lock order everywhere: first the delivery in the queue, then the job. Every statement about a run names the fence.
"""

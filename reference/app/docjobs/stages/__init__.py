"""What is done to a document: pure functions from one state of the work to the next, run in processes of their own."""

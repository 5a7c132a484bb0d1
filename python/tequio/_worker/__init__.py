"""The process that runs Python jobs for a worker. It speaks the protocol of the worker's other task
processes (src/worker/process/messages.ts) and writes the same files."""

"""Program of the image worker process. Imports nothing else of `server`, so that a worker holds nothing else."""

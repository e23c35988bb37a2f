"""Start a worker: ``python -m neuralake.serving.fence DESCRIPTOR MEMORY_BYTES``."""

from neuralake.serving.lean import leave_out_pandas

if __name__ == "__main__":
    leave_out_pandas()
    from neuralake.serving.fence.worker import main

    main()

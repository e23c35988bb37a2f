"""Start a worker: ``python -m neuralake.serving.fence DESCRIPTOR MEMORY_BYTES``."""

from neuralake.pandas_on_demand import import_pandas_on_demand

if __name__ == "__main__":
    import_pandas_on_demand()
    from neuralake.serving.fence.worker import main

    main()

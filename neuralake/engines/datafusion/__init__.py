"""DataFusion over the data files of each snapshot."""

from neuralake.engines.datafusion.engine import (
    DataFusionEngine,
    DataFusionOptions,
    DataFusionSession,
)

__all__ = ["DataFusionEngine", "DataFusionOptions", "DataFusionSession"]

"""Whether an environment is as it should be: settings, storage, tables, engines and services."""

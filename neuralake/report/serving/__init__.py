"""The report of a run of serving: how soon requests were answered, at which rate."""

"""The workload serving: an API is asked at a rate, in open loop, and every answer is checked."""

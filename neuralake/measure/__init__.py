"""How one execution is measured: clock, CPU, memory, I/O, and the process it happens in."""

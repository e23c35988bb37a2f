"""How often a change is found, and how often one is seen where there is none."""

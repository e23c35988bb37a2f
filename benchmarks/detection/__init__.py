"""How often what is reported is there, and how often what is there is reported."""

"""Two arms, built from commits and measured side by side, and what can be said of them."""

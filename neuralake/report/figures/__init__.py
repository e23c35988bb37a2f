"""What all figures share: charts, colours, and how they are rendered."""

"""The driver of ``neuralake serving`` beside that of others."""

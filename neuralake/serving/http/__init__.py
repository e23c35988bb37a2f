"""The service over HTTP: routes, what is asked of them, and how they answer."""

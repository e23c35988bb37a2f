"""Who asks: engines that open the table anew, and servers that follow it."""

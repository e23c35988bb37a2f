"""Who is asked: servers in processes of their own, what they run on in this one, and a floor."""

"""Where rows come from: each kind of source a file, behind one small protocol."""

"""Generated Python as a tree: what is written, apart from how it is laid out in lines."""

"""Generated Python as a syntax tree, which is separate from its layout in lines."""

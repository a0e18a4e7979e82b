"""From the plan to the tree of the generated code: every shape and axis is decided here."""

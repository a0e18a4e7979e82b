"""What changed between two specs: the verdict, the renamed, and the changes in words."""
